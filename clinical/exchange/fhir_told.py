"""FHIR R4 as what it tells of patients: a Bundle, NDJSON or one resource.

Every element that is read and every refusal is in docs/receiving-hl7-and-fhir.md.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo

from clinical.exchange import fhir_history, fhir_observations, fhir_texts
from clinical.exchange.coded import identity
from clinical.exchange.facts import Fact, Merge, Person, Refusal, Told
from clinical.exchange.fhir_bundle import Entry, Sent, read
from clinical.exchange.fhir_elements import Nothing, children, word
from clinical.exchange.fhir_patients import Subject, merges, subject

READERS = {
    "Observation": fhir_observations.observations,
    "Condition": fhir_history.conditions,
    "AllergyIntolerance": fhir_history.allergies,
    "MedicationStatement": fhir_history.statements,
    "MedicationRequest": fhir_history.requests,
    "DiagnosticReport": fhir_texts.reports,
    "DocumentReference": fhir_texts.documents,
}
"""Type of resource to what reads it; others are counted and hold no fact."""

_RULES = "it is marked as meaning something else than it seems to."


@dataclass
class _Gathered:
    """What is known of one patient so far."""

    person: Person | None
    facts: list[Fact] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    unused: Counter[str] = field(default_factory=Counter)

    def take(self, found: Iterable[Fact | Merge | Refusal | Nothing]) -> None:
        for one in found:
            if isinstance(one, Refusal):
                self.refused.append(one)
            elif isinstance(one, Nothing):
                self.unused[one.what] += 1
            elif isinstance(one, Merge):
                self.merges.append(one)
            else:
                self.facts.append(one)

    def told(self) -> Told:
        return Told(
            person=self.person,
            facts=tuple(self.facts),
            merges=tuple(self.merges),
            refused=tuple(self.refused),
            unused=tuple(sorted(self.unused.items())),
        )


def told(data: bytes, zone: tzinfo, *, server: str = "") -> tuple[Told, ...]:
    """What FHIR resources say of each patient; first, if there is any, what is of nobody.

    Args:
        data: JSON as received.
        zone: of times without an offset, such as whole days.
        server: address of the server that resources are of which do not say it themselves.
    """
    sent = read(data)
    nobody = _Gathered(None, refused=list(sent.refused))
    patients: dict[str, _Gathered] = {}
    for entry in sent.entries:
        if entry.kind != "Patient" and entry.kind not in READERS:
            nobody.unused[entry.kind] += 1
            continue
        who = subject(entry, sent, server)
        if isinstance(who, Refusal):
            nobody.refused.append(who)
            continue
        gathered = patients.setdefault(who.key, _Gathered(who.person))
        gathered.take(_of(entry, who, sent, zone, server))
    found = [one.told() for one in patients.values()]
    if nobody.refused or nobody.unused or not found:
        found.insert(0, nobody.told())
    return tuple(found)


def _of(
    entry: Entry, who: Subject, sent: Sent, zone: tzinfo, server: str
) -> Iterator[Fact | Merge | Refusal | Nothing]:
    for name in ("modifierExtension", "implicitRules"):
        if entry.resource.get(name):
            yield Refusal(entry.place(name), _RULES, "send it without")
            return
    if entry.kind == "Patient":
        yield from merges(entry, sent, server)
    else:
        yield from READERS[entry.kind](entry, _identity(entry, who), sent, zone)


def _identity(entry: Entry, who: Subject) -> str:
    """The same for all versions of a resource: by its id, its identifier, or its fullUrl.

    What has none of them cannot be corrected, and is what it holds.
    """
    resource = entry.resource
    number = word(resource, "id")
    if not number:
        own = next(iter(children(resource, "identifier")), {})
        number = f"{word(own, 'system')}|{word(own, 'value')}" if own else entry.url
    if not number:
        number = json.dumps(resource, sort_keys=True, default=str)
    return identity("fhir", entry.kind, number, who.number)
