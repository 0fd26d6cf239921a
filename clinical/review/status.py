"""Status of a case: a walk along its events through a table of transitions.

Status is computed and stored nowhere; there is no second store that could disagree with the
ledger. `diagram` draws the table for docs/reading.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError
from clinical.review.conclusion import differ
from clinical.review.progress import Progress, advanced
from clinical.review.protocol import PLAIN, Protocol, in_force

Status = Literal[
    "unassessed",
    "unread",
    "opened",
    "in_review",
    "reviewed",
    "second_read",
    "complete",
    "disputed",
    "adjudicated",
]
Step = Literal[
    "imported",
    "assessed",
    "opened",
    "decided",
    "completed",
    "cleared",
    "half_signed",
    "agreed",
    "differed",
    "amended",
    "adjudicated",
]

# Status of a case, then what happens to it, then its next status. A step that is not listed
# leaves the status as it is. A new assessment always asks for a new reading.
_NEW: dict[Step, Status] = {"imported": "unread", "assessed": "unread"}
_SIGNED: dict[Step, Status] = {
    "half_signed": "second_read",
    "agreed": "complete",
    "differed": "disputed",
}
TRANSITIONS: dict[Status, dict[Step, Status]] = {
    "unassessed": _NEW,
    "unread": {**_NEW, "opened": "opened"},
    "opened": {**_NEW, **_SIGNED, "decided": "in_review", "completed": "reviewed"},
    "in_review": {**_NEW, **_SIGNED, "completed": "reviewed", "cleared": "opened"},
    "reviewed": {**_NEW, **_SIGNED, "decided": "in_review", "cleared": "opened"},
    "second_read": {**_NEW, **_SIGNED, "amended": "in_review"},
    "complete": {**_NEW, **_SIGNED, "amended": "in_review"},
    "disputed": {**_NEW, **_SIGNED, "amended": "in_review", "adjudicated": "adjudicated"},
    "adjudicated": _NEW,
}


def status(events: Iterable[AuditEvent], protocol: Protocol = PLAIN) -> Status:
    """Status of one case under the protocol in force.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    now: Status = "unassessed"
    reading = Progress()
    for event in events:
        reading, now = moved(reading, now, event, protocol)
    return now


def moved(
    reading: Progress, now: Status, event: AuditEvent, protocol: Protocol = PLAIN
) -> tuple[Progress, Status]:
    """One step: where the reading and the status of a case stand after `event`.

    Raises:
        LedgerError: if the event does not hold what its kind has.
    """
    after = advanced(reading, event)
    step = _step(event, after, protocol)
    return after, (TRANSITIONS[now].get(step, now) if step else now)


def statuses(connection: Connection, *, only: Collection[str] | None = None) -> dict[str, Status]:
    """case_id to status for every case in the ledger, in one pass over it.

    A case whose events were corrupted keeps the status it had before them; `verify` names them.

    Args:
        connection: reads the workspace.
        only: case_ids to look up one by one instead; quick where they are few.
    """
    protocol = in_force(connection)
    if only is not None:
        return {
            case_id: _walk(ledger.events(connection, case_id=case_id), protocol).get(
                case_id, "unassessed"
            )
            for case_id in only
        }
    return _walk(ledger.events(connection), protocol)


def _walk(events: Iterable[AuditEvent], protocol: Protocol) -> dict[str, Status]:
    found: dict[str, tuple[Progress, Status]] = {}
    for event in events:
        if event.case_id:
            before = found.get(event.case_id, (Progress(), "unassessed"))
            try:
                found[event.case_id] = moved(*before, event, protocol)
            except LedgerError:
                found[event.case_id] = before
    return {case_id: now for case_id, (_, now) in found.items()}


def diagram() -> str:
    """`TRANSITIONS` as a Mermaid state diagram.

    Left out is what leads nowhere, and what leads from every status to "unread": a new assessment
    or import.
    """
    lines = ["stateDiagram-v2", "    [*] --> unassessed"]
    for before, steps in TRANSITIONS.items():
        for step, after in steps.items():
            if before != after and (step not in _NEW or before == "unassessed"):
                lines.append(f"    {before} --> {after}: {step}")
    return "\n".join(lines)


def _step(event: AuditEvent, after: Progress, protocol: Protocol) -> Step | None:
    match event.kind:
        case "IMPORTED":
            return "imported"
        case "ASSESSED":
            return "assessed"
        case "OPENED":
            return "opened"
        case "DECIDED" | "UNDONE":
            return _decided(after)
        case "SIGNED":
            return _signed(event.case_id, after, protocol)
        case "AMENDED":
            return "amended"
        case "ADJUDICATED":
            return "adjudicated"
    return None


def _decided(after: Progress) -> Step:
    """Complete once one reader has decided on all that has to be decided."""
    standing = [reader.standing for reader in after.readers.values() if reader.past]
    if not standing:
        return "cleared"
    needed = after.subject.to_decide if after.subject else ()
    return "completed" if any(all(n in s for n in needed) for s in standing) else "decided"


def _signed(case_id: str, after: Progress, protocol: Protocol) -> Step:
    if len(after.signed) < protocol.readers(case_id):
        return "half_signed"
    return "differed" if differ(after.signed) else "agreed"
