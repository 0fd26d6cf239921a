"""Observations of FHIR R4: each value, and each component with a value, is a measurement.

https://hl7.org/fhir/R4/observation.html and https://hl7.org/fhir/us/core/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo

from clinical.exchange.coded import identity, known_specimen
from clinical.exchange.facts import MeasurementFact, NoteFact, Refusal, Status
from clinical.exchange.fhir_bundle import Entry, Sent
from clinical.exchange.fhir_elements import (
    Element,
    Nothing,
    child,
    children,
    coded,
    moment,
    number,
    quantity,
    told_at,
    word,
)
from clinical.exchange.sections import SECTIONS

STATUS: dict[str, Status] = {
    **dict.fromkeys(("preliminary",), "preliminary"),
    "final": "final",
    **dict.fromkeys(("amended", "corrected"), "corrected"),
    **dict.fromkeys(("cancelled", "entered-in-error"), "cancelled"),
}
_EFFECTIVE = ("effectiveDateTime", "effectiveInstant", "effectivePeriod")

Found = MeasurementFact | NoteFact | Refusal | Nothing


def observations(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """The facts of one Observation.

    Args:
        entry: the Observation.
        own: the identity of the resource.
        sent: what else was sent, for the specimen.
        zone: of times without one.
    """
    resource = entry.resource
    told = word(resource, "status")
    status = STATUS.get(told)
    if told == "registered":
        yield Nothing("Observation without a result")
    elif status is None:
        remedy = "send preliminary, final, amended, corrected, cancelled or entered-in-error"
        yield Refusal(entry.place("status"), "the status is not known.", remedy)
    else:
        yield from _with_status(entry, own, status, (sent, zone))


def _with_status(
    entry: Entry, own: str, status: Status, around: tuple[Sent, tzinfo]
) -> Iterator[Found]:
    whole = _without_value(entry, own, status, around)
    if isinstance(whole, Refusal):
        yield whole
        return
    resource = entry.resource
    components = children(resource, "component")
    # A panel says with its members, or its components, what it has no value of its own for.
    lone = not components and not children(resource, "hasMember")
    yield from _valued(whole, resource, entry, "", lone)
    for at, component in enumerate(components):
        part = coded(child(component, "code"))
        where = f"component[{at}]."
        if not part.code:
            yield Refusal(entry.place(f"{where}code"), "it is not named.", "send a LOINC code")
            continue
        fact = replace(
            whole,
            identity=identity(own, part.system, part.code),
            code=part.code,
            system=part.system,
            display=part.text,
            place=entry.place(where.rstrip(".")),
        )
        yield from _valued(fact, component, entry, where, True)


def _without_value(
    entry: Entry, own: str, status: Status, around: tuple[Sent, tzinfo]
) -> MeasurementFact | Refusal:
    """What all values of a resource have in common, or what of it is missing."""
    resource, (sent, zone) = entry.resource, around
    named = coded(child(resource, "code"))
    if not named.code:
        return Refusal(entry.place("code"), "the observation is not named.", "send a LOINC code")
    issued = told_at(resource, ("issued",), zone)
    time = moment(resource, _EFFECTIVE, zone) or (issued if status == "cancelled" else None)
    if time is None:
        reason = "nothing says when it was measured."
        return Refusal(entry.place("effective"), reason, "send effectiveDateTime with its day")
    return MeasurementFact(
        identity=own,
        code=named.code,
        system=named.system,
        display=named.text,
        value="",
        unit="",
        time=time,
        issued=issued,
        status=status,
        specimen=_specimen(entry, sent),
        place=entry.place(),
    )


def _valued(
    fact: MeasurementFact, element: Element, entry: Entry, where: str, lone: bool
) -> Iterator[Found]:
    """The fact with the value of its element; nothing where it has none and should not."""
    found = _value(element)
    if fact.status == "cancelled":
        value, unit = found if isinstance(found, tuple) else ("", "")
        yield replace(fact, value=value, unit=unit)
    elif isinstance(found, tuple):
        value, unit = found
        if fact.code in SECTIONS and "valueString" in element:
            yield NoteFact(
                fact.identity,
                SECTIONS[fact.code],
                value,
                fact.issued or fact.time,
                fact.status,
                fact.place,
            )
        else:
            yield replace(fact, value=value, unit=unit)
    elif found:
        yield Refusal(entry.place(f"{where}{found}"), "the value is not read.", _VALUES)
    elif "dataAbsentReason" in element:
        yield Nothing("Observation with a reason for having no value")
    elif lone:
        yield Refusal(entry.place(f"{where}value"), "the value is missing.", _ABSENT)
    elif not where:
        yield Nothing("Observation of members or components")


_VALUES = "send valueQuantity, valueCodeableConcept, valueString or valueInteger"
_ABSENT = "send a value, or dataAbsentReason"


def _value(element: Element) -> tuple[str, str] | str:
    """Value and unit; or the name of an element that cannot be read, "" where there is none."""
    name = next((key for key in element if key.startswith("value")), "")
    if name == "valueQuantity":
        value, unit = quantity(child(element, name))
        return (value, unit) if value else name
    if name == "valueCodeableConcept":
        concept = coded(child(element, name))
        return (concept.text or concept.code, "") if concept.code else name
    texts = {"valueString": word(element, name), "valueInteger": number(element, name)}
    if texts.get(name):
        return texts[name], ""
    return name if name in _KNOWN else ("value" if name else "")


_KNOWN = (
    *("valueString", "valueInteger", "valueBoolean", "valueRange", "valueRatio"),
    *("valueSampledData", "valueTime", "valueDateTime", "valuePeriod"),
)


def _specimen(entry: Entry, sent: Sent) -> str:
    element = child(entry.resource, "specimen")
    found = sent.find(word(element, "reference"), entry)
    words: list[str] = []
    if found is not None and found.kind == "Specimen":
        kind = child(found.resource, "type")
        words = [
            word(one, name) for one in children(kind, "coding") for name in ("code", "display")
        ]
        words.append(word(kind, "text"))
    return known_specimen([*words, word(element, "display")])
