"""Replay: assess the inputs named by an ASSESSED event again, with the same model.

What computes is handed in (`Machine`), because the ledger must open without the model. Nothing but
the workspace and the model is needed: cases and pixels are kept whole. Events are taken as they
stand; whether the ledger is intact is for `clinical.audit.verify` to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, select

from clinical import canonical, conditions
from clinical.audit import ledger, retention
from clinical.case import assessment as assessments
from clinical.case.assessment import Assessment, AuditEvent
from clinical.case.case import Case, input_digest
from clinical.conditions import Conditions
from clinical.errors import LedgerError, StoreError
from clinical.workspace import store
from clinical.workspace.layout import ASSESSMENTS, EVENTS

Result = Literal["identical", "different", "impossible", "purged"]

_CHANGED = "the stored assessment was changed after it was recorded"


@dataclass(frozen=True)
class Machine:
    """A model that is ready to assess.

    Attributes:
        digest: of the model, as `ModelIdentity.digest`.
        conditions: under what it computes here.
        assess: from a case to an assessment.
    """

    digest: str
    conditions: Conditions
    assess: Callable[[Case], Assessment]


@dataclass(frozen=True)
class Replayed:
    """What a replay of one event gave.

    Attributes:
        event, case_id: which one.
        result: identical (the digest in the ledger, so every bit), different, impossible, or
            purged (inputs and assessment were removed, and the ledger says by which event).
        largest: largest difference of a suggested probability, or None where none was compared.
        differs: places in the JSON form of the assessment that differ.
        why: what is missing, or what was found beside the differences; or "".
        conditions: what is not as it was when the assessment was made, a phrase each.
    """

    event: int
    case_id: str
    result: Result
    largest: float | None = None
    differs: tuple[str, ...] = ()
    why: str = ""
    conditions: tuple[str, ...] = ()


def assessed(connection: Connection, sequence: int) -> AuditEvent:
    """The ASSESSED event with this number.

    Raises:
        LedgerError: if there is none, or the event with this number is of another kind.
    """
    row = connection.execute(select(EVENTS).where(EVENTS.c.sequence == sequence)).one_or_none()
    if row is None or row.kind != "ASSESSED":
        what = "no event" if row is None else f"an event {row.kind}"
        raise LedgerError(
            f"There is {what} with number {sequence}; only ASSESSED can be replayed.",
            remedy="look the number up on the Audit page, or replay --all.",
        )
    return ledger.event_of(row)


def naming(connection: Connection, model: str) -> int:
    """How many assessments that are still there were made by the model with this digest."""
    held = set(connection.execute(select(ASSESSMENTS.c.digest)).scalars())
    events = ledger.events(connection, kind="ASSESSED")
    named = ((e.payload.get("model") or {}, e.payload.get("assessment")) for e in events)
    return len({made for by, made in named if by.get("digest") == model and made in held})


def replay(connection: Connection, event: AuditEvent, machines: Mapping[str, Machine]) -> Replayed:
    """Assess the inputs of an ASSESSED event again and compare.

    Args:
        connection: reads the workspace.
        event: the event.
        machines: by the digest of the model.
    """
    found = Replayed(event.sequence, event.case_id, "impossible")
    if by := retention.purged_by(connection, event):
        return replace(found, result="purged", why=f"purged by event {by}")
    named = event.payload.get("model") or {}
    machine = machines.get(str(named.get("digest")))
    if machine is None:
        digest = str(named.get("digest"))[:12]
        return replace(found, why=f"the model {named.get('name')} with digest {digest} is not here")
    found = replace(found, conditions=_changed_conditions(event, machine))
    try:
        case = _inputs(connection, event)
        record = _record(connection, event)
        version = _version(record)
    except StoreError as error:
        return replace(found, why=error.message)
    again = assessments.as_json(replace(machine.assess(case), schema_version=version))
    return _compared(found, event, record, again)


def _changed_conditions(event: AuditEvent, machine: Machine) -> tuple[str, ...]:
    then = event.payload.get("conditions")
    if not isinstance(then, dict):
        return ("the event does not say under what it was computed",)
    return conditions.differences(then, machine.conditions)


def _inputs(connection: Connection, event: AuditEvent) -> Case:
    named = str(event.payload.get("input"))
    case = store.get_case(connection, event.case_id, input_digest=named)
    if input_digest(case) != named:
        raise StoreError("The stored inputs are not the ones the event names.")
    return case


def _record(connection: Connection, event: AuditEvent) -> str:
    named = str(event.payload.get("assessment"))
    query = select(ASSESSMENTS.c.record).where(ASSESSMENTS.c.digest == named)
    record: str | None = connection.execute(query).scalar_one_or_none()
    if record is None:
        raise StoreError(f"The workspace holds no assessment {named}.")
    return record


def _version(record: str) -> str:
    try:
        version = json.loads(record)["schema_version"]
    except (ValueError, KeyError, TypeError):
        raise StoreError("The stored assessment was changed and cannot be read.") from None
    if version not in assessments.SCHEMA_VERSIONS:
        raise StoreError(
            f"The stored assessment has schema {version}, which this version does not know."
        )
    return str(version)


def _compared(
    found: Replayed, event: AuditEvent, record: str, again: Mapping[str, Any]
) -> Replayed:
    named = event.payload.get("assessment")
    changed = canonical.sha256(record.encode()) != named
    if canonical.digest(again) == named and not changed:
        return replace(found, result="identical", largest=0.0)
    before, now = dict(_leaves(json.loads(record))), dict(_leaves(again))
    differs = [at for at in sorted(before | now) if before.get(at) != now.get(at)]
    gaps = [
        abs(before[at] - now[at])
        for at in before.keys() & now.keys()
        if at.startswith("suggestions.") and at.endswith(".probability")
    ]
    return replace(
        found,
        result="different",
        largest=max(gaps, default=None),
        differs=tuple(differs),
        why=_CHANGED if changed else "",
    )


def _leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of a JSON tree that is no list or object, with its place; by diagnosis if it can.

    An order that differs shows in the place "order".
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{at}.{key}".lstrip("."))
        return
    if not isinstance(value, list):
        yield at, value
        return
    names = [item.get("diagnosis") if isinstance(item, dict) else None for item in value]
    if None not in names:
        yield f"{at}.order", names
    for number, (name, item) in enumerate(zip(names, value, strict=True)):
        yield from _leaves(item, f"{at}.{name or number}")
