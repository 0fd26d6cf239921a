"""Undo a decision before it is signed; the one it superseded becomes current again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import ReviewError
from clinical.review.decisions import check_reading
from clinical.review.progress import RecordedDecision, progress
from clinical.workspace.database import writing


def check_undo(events: Iterable[AuditEvent], name: str, sequence: int) -> RecordedDecision:
    """Refuse to take back what is not this reader's, was taken back already, or is signed.

    Args:
        events: all events of the case, in order.
        name: the reader.
        sequence: number of the decision's event.

    Returns:
        The decision that would be taken back.

    Raises:
        ReviewError: with the rule and what to do.
    """
    now = progress(events)
    check_reading(now, name)
    for decision in now.of(name).past:
        if decision.sequence == sequence:
            return decision
    raise ReviewError(
        "You have no decision to take back here.",
        remedy="look at the record below the panels: it may have been taken back already.",
    )


def can_undo(events: Iterable[AuditEvent], name: str) -> bool:
    """Whether `undo` would find a decision of this reader to take back."""
    past = list(events)
    last = progress(past).of(name).past[-1:]
    try:
        check_undo(past, name, last[0].sequence if last else 0)
    except ReviewError:
        return False
    return True


def undo(
    engine: Engine,
    case_id: str,
    name: str,
    sequence: int | None = None,
    *,
    time: datetime | None = None,
) -> AuditEvent:
    """Append UNDONE, which names the decision it takes back; the one before it stands again.

    Args:
        engine: the workspace.
        case_id: the case.
        name: the reader.
        sequence: number of the decision's event; the reader's latest if left out.
        time: of the event; now if left out.

    Raises:
        ReviewError: if there is nothing to take back, or the reader has signed.
    """
    with writing(engine) as connection:
        past = list(ledger.events(connection, case_id=case_id))
        if sequence is None:
            last = progress(past).of(name).past[-1:]
            sequence = last[0].sequence if last else 0
        taken = check_undo(past, name, sequence)
        payload = {
            "assessment": taken.assessment_digest,
            "takes_back": taken.sequence,
            "diagnosis": taken.diagnosis,
        }
        return ledger.append(
            connection, "UNDONE", actor=name, case_id=case_id, payload=payload, time=time
        )
