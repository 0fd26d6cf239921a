"""The marks of readers in the record: MARKED events, each with all that its reader has marked.

They are written with the decision, first read or signature at which the browser told of them, in
the same transaction, and only where they changed. What was marked may say who somebody is, so it is
kept like a comment, apart from the ledger, and goes with the case when that is purged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.review import marks
from clinical.review.marks import Mark
from clinical.review.progress import progress
from clinical.workspace import comments

Told = Mapping[str, tuple[Mark, ...]]
"""Name of each image that was shown to what is on it now."""


@dataclass(frozen=True)
class Marked:
    """All that one reader has marked on a case.

    Attributes:
        sequence, recorded, reader: number, time (ISO 8601, UTC) and actor of the event.
        text_digest: names the marks in the store, as that of a comment.
    """

    sequence: int
    recorded: str
    reader: str
    text_digest: str


def standing(events: Iterable[AuditEvent]) -> dict[str, Marked]:
    """Reader to what they have marked last, among the events of one case."""
    found: dict[str, Marked] = {}
    for event in events:
        if event.kind == "MARKED":
            text = str(event.payload.get("comment", ""))
            found[event.actor] = Marked(event.sequence, event.time, event.actor, text)
        elif event.kind == "PURGED":
            found.clear()
    return found


def marks_of(connection: Connection, marked: Marked | None) -> tuple[Mark, ...]:
    """What was marked, in the order in which it was drawn; nothing of nobody, and de-identified.

    Raises:
        StoreError: if the store does not hold what the event names.
        ReviewError: if a later version wrote it.
    """
    if marked is None or not marked.text_digest:
        return ()
    return marks.from_text(comments.get(connection, marked.text_digest))


def record(
    connection: Connection,
    case_id: str,
    reader: str,
    told: Told | None,
    *,
    time: datetime | None = None,
) -> AuditEvent | None:
    """Append MARKED inside the caller's transaction, where something is not as it was recorded.

    Marks on images that were not shown stay as they are.

    Args:
        connection: of the transaction.
        case_id, reader: who marked what.
        told: by the browser; None where it told nothing.
        time: of the event; now if left out.

    Returns:
        The event, or None where nothing changed.
    """
    if told is None:
        return None
    past = list(ledger.events(connection, case_id=case_id))
    before = marks_of(connection, standing(past).get(reader))
    kept = [mark for mark in before if mark.image not in told]
    now = (*kept, *(mark for listed in told.values() for mark in listed))
    if sorted(map(repr, now)) == sorted(map(repr, before)):
        return None
    subject = progress(past).subject
    payload = {
        "assessment": subject.digest if subject else "",
        "marks": len(now),
        "comment": comments.put(connection, marks.as_text(now)),
    }
    return ledger.append(
        connection, "MARKED", actor=reader, case_id=case_id, payload=payload, time=time
    )
