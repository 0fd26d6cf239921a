"""Cases, assessments and events without anything that identifies a person (HIPAA Safe Harbor).

45 CFR 164.514(b)(2) lists what has to go; the table in docs/export.md says where each class could
be and what happens. Nothing is searched for and cut out: only what is listed here is taken over,
and everything else stays behind, so that a field that is added later is not let out by itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from clinical.case.assessment import (
    Assessment,
    AuditEvent,
    EvidenceItem,
    Explanation,
    OutOfDistribution,
)
from clinical.case.case import Case
from clinical.case.shapes import Shape
from clinical.modalities.dates import BEGIN, OTHER
from clinical.modalities.history.words import listed_code
from clinical.modalities.kit import kit_of, read_by

CONFLICT = "Inputs disagree; the sentence is left out."
WITHHELD = "The reason is left out."

_PLAIN = frozenset({"age", "sex"})  # labels of evidence that are no code
_SENTENCE = re.compile(r"sentence \d{1,5}")
_STAFF = frozenset({"system", "receive", "cds hooks", "unknown name"})  # actors that are nobody

# Kind of event: keys of its payload that are taken over as they are. `details` adds what has to be
# replaced. A kind that is not here has no details.
_KEPT: Mapping[str, tuple[str, ...]] = {
    "PROTOCOL": ("first_read", "second_share"),
    "IMPORTED": ("inputs", "added"),
    "ASSESSED": ("used", "missing", "flags", "model", "conditions"),
    "OPENED": ("withheld",),
    "HYPOTHETICAL": ("left_out",),
    "DECIDED": ("action", "reason", "confidence"),
    "SIGNED": ("role", "meaning"),
    "TIMED": ("active_seconds", "idle_seconds", "idle_after_seconds"),
    "AMENDED": ("reason",),
    "MARKED": ("marks",),
    "CARD_SENT": ("hook", "said"),
    "CARD_ANSWERED": ("outcome", "reason"),
    "PURGED": ("because",),
    "CLEARED": ("because", "what"),
}
_TIMES = (
    "decided",
    "opened",
    "first_interaction",
    "machine_shown",
    "signed",
    "measured_since",
    "answered",
)
_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "DECIDED": {"comment": ""},
    "AMENDED": {"comment": ""},
    "ADJUDICATED": {"comment": ""},
    "NOTED": {"comment": ""},
    "MARKED": {"comment": ""},
    "CARD_ANSWERED": {"comment": ""},
    "PURGED": {"comments": [], "pixels": []},
}


class Pseudonyms:
    """Names and digests drawn for one export; the table is in memory only and kept nowhere."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._digests: dict[str, str] = {}

    def name(self, kind: str, value: str) -> str:
        """ "patient 3", the same for the same value; numbers go up in the order of asking."""
        if not value:
            return ""
        if (kind, value) not in self._names:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[kind, value] = f"{kind} {self._counts[kind]}"
        return self._names[kind, value]

    def actor(self, account: str) -> str:
        """The name of a reader; what no person did stays."""
        return account if account in _STAFF else self.name("reader", account)

    def now(self, digest: str, new: str) -> None:
        """What was named by a digest has a new one."""
        self._digests[digest] = new

    def digest(self, digest: str) -> str:
        """The new digest, or a random one where what it named is not in the export."""
        if not digest:
            return ""
        return self._digests.setdefault(digest, secrets.token_hex(32))


def case(found: Case, names: Pseudonyms) -> Case:
    """The case without images, notes, names, places and dates."""
    left = {
        name: kit.deidentified(value, found.decision_time) for kit, name, value in read_by(found)
    }
    inputs = {name: value for name, value in left.items() if value is not None}
    return Case(
        names.name("case", found.case_id),
        names.name("patient", found.patient_id),
        BEGIN if found.decision_time else None,
        inputs,
        names.name("site", found.site),
    )


def assessment(found: Assessment, made: Case, inputs: str) -> Assessment:
    """The assessment without heat maps and without any sentence.

    Args:
        found: the assessment.
        made: its case, de-identified.
        inputs: the input digest of that.
    """
    outside = found.out_of_distribution
    absent = found.prediction_set.absent_because
    return replace(
        found,
        case_id=made.case_id,
        patient_id=made.patient_id,
        input_digest=inputs,
        suggestions=tuple(
            replace(s, withheld_because=None if s.withheld_because is None else WITHHELD)
            for s in found.suggestions
        ),
        explanations=tuple(_explanation(e, made) for e in found.explanations),
        conflicts=(CONFLICT,) * len(found.conflicts),
        out_of_distribution=OutOfDistribution(outside.score, outside.flagged),
        problems=(),
        unknown_codes=(),
        prediction_set=replace(
            found.prediction_set, absent_because=None if absent is None else WITHHELD.lower()[:-1]
        ),
    )


def details(
    event: AuditEvent,
    names: Pseudonyms,
    numbers: Mapping[int, int],
    known: Collection[str],
    first: str,
) -> dict[str, Any]:
    """The payload of an event: codes, new digests and numbers, times counted from `first`.

    Args:
        event: of the ledger.
        names: of this export.
        numbers: number of an event of the same case to its number in the export.
        known: diagnoses that the models of the case know.
        first: time of the first event of the case.
    """
    payload = event.payload
    kept = {key: payload[key] for key in _KEPT.get(event.kind, ()) if key in payload}
    kept |= _EMPTY.get(event.kind, {})

    def put(keys: Iterable[str], new: Callable[[Any], Any]) -> None:
        kept.update({key: new(payload[key]) for key in keys if key in payload})

    def digests(listed: Iterable[str]) -> list[str]:
        return [names.digest(digest) for digest in listed]

    def coded(listed: Iterable[str]) -> list[str]:
        return [_diagnosis(name, known) for name in listed]

    def ranked(listed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return [{**one, "diagnosis": _diagnosis(one["diagnosis"], known)} for one in listed]

    put(_TIMES, lambda time: counted(time, first))
    put(("assessment", "input"), names.digest)
    put(("diagnosis", "replacement"), lambda name: _diagnosis(name, known))
    put(("to_decide", "present", "suggested", "accepted"), coded)
    put(("beside",), digests)
    put(("differential",), ranked)
    put(("reader", "name"), lambda account: names.name("reader", account))
    put(("decisions", "signatures"), lambda listed: [numbers[number] for number in listed])
    put(("takes_back", "signature", "sent"), numbers.get)
    if event.kind == "PURGED":
        put(("inputs", "assessments"), digests)
    return kept


def counted(time: str, first: str) -> str:
    """A time of the ledger as it is counted from the first event of its case; "" stays."""
    if not time:
        return ""
    return moment(time, first).isoformat(timespec="microseconds")


def moment(time: str, first: str) -> datetime:
    """The same interval after `BEGIN` as there is between the two."""
    return BEGIN + (datetime.fromisoformat(time) - datetime.fromisoformat(first))


def _diagnosis(name: str, known: Collection[str]) -> str:
    return name if not name or name in known else listed_code(name)


def _explanation(found: Explanation, made: Case) -> Explanation:
    items = tuple(_item(item, made.inputs.get(item.modality)) for item in found.items)
    return replace(found, heat_maps=(), items=items)


def _item(item: EvidenceItem, value: Shape | None) -> EvidenceItem:
    label = item.label if item.label in _PLAIN or _SENTENCE.fullmatch(item.label) else OTHER
    if value is not None:
        kit = kit_of(item.modality, value)
        listed = [entry.code for entry in kit.measured(value)]
        listed += [entry.code for entry in kit.coded(value)]
        if 0 <= item.index < len(listed):
            label = listed[item.index]
    return replace(item, label=label, start=None, end=None)
