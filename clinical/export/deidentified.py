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
from datetime import UTC, datetime, timedelta
from typing import Any

from clinical.case.assessment import (
    Assessment,
    AuditEvent,
    EvidenceItem,
    Explanation,
    OutOfDistribution,
)
from clinical.case.case import Case
from clinical.case.shapes import Array, Event, Events, Measurement, Measurements, Shape, Texts
from clinical.terms.diagnoses import diagnoses
from clinical.terms.loinc import lookup

BEGIN = datetime(2100, 1, 1, tzinfo=UTC)
"""Stands for the decision time in a case, and for the first event in its events: all times are
counted from there. So far ahead that nobody takes it for a date."""

OLDEST = 89  # years; from 90 on ages are one class: 164.514(b)(2)(i)(C)
POOLED = float(OLDEST + 1)

LEFT_OUT = "left out"
OTHER = "other"
CONFLICT = "Inputs disagree; the sentence is left out."
WITHHELD = "The reason is left out."

_ICD = re.compile(r"(ICD-1[01]:)?[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")
_ATC = re.compile(r"[A-Z]\d{2}[A-Z]{2}\d{2}")
_PLAIN = frozenset({"age", "sex"})  # labels of evidence that are no code
_SENTENCE = re.compile(r"sentence \d{1,5}")
_STAFF = frozenset({"system", "unknown name"})  # actors that are nobody

# Kind of event: keys of its payload that are taken over as they are. `details` adds what has to be
# replaced. A kind that is not here has no details.
_KEPT: Mapping[str, tuple[str, ...]] = {
    "PROTOCOL": ("first_read", "second_share"),
    "IMPORTED": ("inputs",),
    "ASSESSED": ("used", "missing", "flags", "model", "conditions"),
    "OPENED": ("withheld",),
    "HYPOTHETICAL": ("left_out",),
    "DECIDED": ("action", "reason", "confidence"),
    "SIGNED": ("role", "meaning"),
    "TIMED": ("active_seconds", "idle_seconds", "idle_after_seconds"),
    "AMENDED": ("reason",),
    "PURGED": ("because",),
}
_TIMES = ("decided", "opened", "first_interaction", "machine_shown", "signed", "measured_since")
_EMPTY: Mapping[str, Mapping[str, Any]] = {
    "DECIDED": {"comment": ""},
    "AMENDED": {"comment": ""},
    "ADJUDICATED": {"comment": ""},
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
        """The name of a reader; "system" stays."""
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
    inputs: dict[str, Shape] = {}
    for name, shape in found.inputs.items():
        match shape:
            case Measurements():
                items = (_measurement(item, found.decision_time) for item in shape.items)
                inputs[name] = Measurements(tuple(items))
            case Events():
                history = tuple(_event(item, found.decision_time) for item in shape.items)
                inputs[name] = Events(history, age(shape.age_years), shape.sex)
            case Array() | Texts():
                continue
    return Case(
        names.name("case", found.case_id),
        names.name("patient", found.patient_id),
        BEGIN if found.decision_time else None,
        inputs,
        names.name("site", found.site),
    )


def age(years: float | None) -> float | None:
    """Whole years; `POOLED` stands for 90 and more."""
    return None if years is None else min(float(int(years)), POOLED)


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
    put(("to_decide", "present"), coded)
    put(("differential",), ranked)
    put(("reader", "name"), lambda account: names.name("reader", account))
    put(("decisions", "signatures"), lambda listed: [numbers[number] for number in listed])
    put(("takes_back", "signature"), numbers.get)
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


def _before(time: datetime | None, decision: datetime | None) -> datetime | None:
    """The same interval before `BEGIN`; None where it is not known or not to be counted."""
    if time is None or decision is None or (time.tzinfo is None) != (decision.tzinfo is None):
        return None
    return BEGIN - (decision - time)


def _years_before(time: datetime | None, decision: datetime | None) -> datetime | None:
    """Like `_before`, in whole years and never more than `POOLED`: it may tell of an age."""
    moved = _before(time, decision)
    if moved is None:
        return None
    years = (BEGIN - moved) // timedelta(days=365.25)
    return BEGIN.replace(year=BEGIN.year - min(max(years, 0), int(POOLED)))


def _measurement(item: Measurement, decision: datetime | None) -> Measurement:
    term = lookup(item.code)
    code, name = (term.code, term.name) if term else (OTHER, "other measurement")
    if term is None or item.value is None or item.unit not in term.accepted:
        return Measurement(code, name, None, "", None, "", "", problem=LEFT_OUT)
    time = _before(item.time, decision)
    return Measurement(code, name, item.value, item.unit, time, "", "", item.reference)


def _event(item: Event, decision: datetime | None) -> Event:
    code = _coded(item.code)
    listed = diagnoses().get(f"ICD-10:{code.removeprefix('ICD-10:')}")
    display = listed.name if listed else code
    return Event(code, display, _years_before(item.onset, decision), item.present)


def _coded(code: str) -> str:
    """A code of ICD or ATC as it is; anything else may be somebody's own words."""
    return code if _ICD.fullmatch(code) or _ATC.fullmatch(code) else OTHER


def _diagnosis(name: str, known: Collection[str]) -> str:
    return name if not name or name in known else _coded(name)


def _explanation(found: Explanation, made: Case) -> Explanation:
    items = tuple(_item(item, made.inputs.get(item.modality)) for item in found.items)
    return replace(found, heat_maps=(), items=items)


def _item(item: EvidenceItem, shape: Shape | None) -> EvidenceItem:
    label = item.label if item.label in _PLAIN or _SENTENCE.fullmatch(item.label) else OTHER
    codes: Iterable[Any] = shape.items if isinstance(shape, Measurements | Events) else ()
    listed = [entry.code for entry in codes]
    if 0 <= item.index < len(listed):
        label = listed[item.index]
    return replace(item, label=label, start=None, end=None)
