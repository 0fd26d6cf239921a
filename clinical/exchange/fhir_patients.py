"""Who FHIR resources are about: Patient, and references to one.

https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from clinical.exchange.facts import Merge, PatientIdentifier, Person, Refusal
from clinical.exchange.fhir_bundle import Entry, Sent, literal
from clinical.exchange.fhir_elements import Element, child, children, code_of, word
from clinical.exchange.moments import day

_NOT_OF_A_HOSPITAL = ("SS", "DL", "PPN", "CZ", "TAX")
_SYSTEMS_NOT_KEPT = ("http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1")
_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-individual-sex"
_SEXES = {"248152002": "female", "248153007": "male"}
_SUBJECTS = {"AllergyIntolerance": "patient"}
NO_SERVER = "Patient.id"
"""Authority of the ids of a server that nobody names; never that of a hospital's own numbers."""
_NOBODY = "the patient is not named in a way that can be matched."
_NAME_IT = "refer to Patient/ID, or send the Patient with an identifier"


@dataclass(frozen=True)
class Subject:
    """Whom a resource is about.

    Attributes:
        key: the same for all resources of one patient.
        number: the same for one patient in all that his server sends.
    """

    key: str
    number: str
    person: Person


def person(entry: Entry, server: str) -> Person | None:
    """A Patient as a person; None where it has no identifier."""
    resource = entry.resource
    ranked = sorted(
        children(resource, "identifier"),
        key=lambda one: code_of(child(one, "type")) not in ("MR", "PI"),
    )
    found = [one for one in map(_identifier, ranked) if one is not None]
    if word(resource, "id"):
        found.append(PatientIdentifier(word(resource, "id"), entry.base or server or NO_SERVER))
    if not found:
        return None
    return Person(tuple(dict.fromkeys(found)), _sex(resource), day(word(resource, "birthDate")))


def _sex(resource: Element) -> str:
    """US Core's sex, of SNOMED CT, else Patient.gender."""
    for extension in children(resource, "extension"):
        code = word(child(extension, "valueCoding"), "code")
        if word(extension, "url") == _SEX and code in _SEXES:
            return _SEXES[code]
    return word(resource, "gender")


def _identifier(element: Element) -> PatientIdentifier | None:
    value, system = word(element, "value"), word(element, "system")
    retired = word(element, "use") == "old"
    private = code_of(child(element, "type")) in _NOT_OF_A_HOSPITAL or system in _SYSTEMS_NOT_KEPT
    return None if not value or retired or private else PatientIdentifier(value, system)


def subject(entry: Entry, sent: Sent, server: str) -> Subject | Refusal:
    """The patient that a resource names; the Patient itself for a Patient."""
    if entry.kind == "Patient":
        return _subject(entry, server) or Refusal(entry.place("identifier"), _NOBODY, _NAME_IT)
    name = _SUBJECTS.get(entry.kind, "subject")
    element = child(entry.resource, name)
    reference = word(element, "reference")
    found = sent.find(reference, entry) if reference else None
    if found is not None:
        named = _subject(found, server) if found.kind == "Patient" else None
    else:
        named = _elsewhere(reference, entry, server) or _logical(element)
    return named or Refusal(entry.place(name), _NOBODY, _NAME_IT)


def _subject(entry: Entry, server: str) -> Subject | None:
    who = person(entry, server)
    return _named(who) if who else None


def _named(who: Person) -> Subject:
    last = who.identifiers[-1]  # the id on the server, if there is one
    return Subject(f"{last.authority}\x1f{last.value}", last.value, who)


def _elsewhere(reference: str, holder: Entry, server: str) -> Subject | None:
    """A patient on the sender's server, or one named by identifier (Patient?identifier=S|V)."""
    before, _, query = reference.partition("?")
    if query and before.rpartition("/")[2] == "Patient":
        system, _, value = parse_qs(query).get("identifier", [""])[0].rpartition("|")
        return _alone(PatientIdentifier(value.strip(), system.strip()))
    named = literal(reference)
    if named is None or not named[1].startswith("Patient/"):
        return None
    number = named[1].removeprefix("Patient/")
    return _alone(PatientIdentifier(number, named[0] or holder.base or server or NO_SERVER))


def _logical(element: Element) -> Subject | None:
    if word(element, "reference") or word(element, "type") not in ("", "Patient"):
        return None
    found = _identifier(child(element, "identifier"))
    return _alone(found) if found else None


def _alone(identifier: PatientIdentifier) -> Subject | None:
    return _named(Person((identifier,))) if identifier.value else None


def merges(entry: Entry, sent: Sent, server: str) -> Iterator[Merge | Refusal]:
    """What Patient.link says of numbers that are no longer used: replaced-by and replaces."""
    own = person(entry, server)
    for at, link in enumerate(children(entry.resource, "link")):
        kind = word(link, "type")
        if own is None or kind not in ("replaced-by", "replaces"):
            continue
        reference = word(child(link, "other"), "reference")
        found = sent.find(reference, entry)
        other = _subject(found, server) if found else _elsewhere(reference, entry, server)
        if other is None:
            yield Refusal(entry.place(f"link[{at}].other"), _NOBODY, _NAME_IT)
            continue
        kept, retired = (other.person, own) if kind == "replaced-by" else (own, other.person)
        for former in retired.identifiers:
            same = [one for one in kept.identifiers if one.authority == former.authority]
            if same and same[0] != former:
                yield Merge(same[0], former)
