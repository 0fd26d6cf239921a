"""Short notes on a case, from one reader to the next: NOTED events, and those that withdraw them.

A note is no decision and changes no status. Its text is kept like a comment, apart from the ledger,
and goes with the case when that is purged. Who reads blind sees no note by anybody else: it may say
what the model or another reader thinks (`clinical.review.progress.visible`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from clinical.access.roles import Role, may
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError, ReviewError
from clinical.review.comment import check_comment
from clinical.review.progress import progress
from clinical.workspace import comments
from clinical.workspace.database import writing


@dataclass(frozen=True)
class Note:
    """One note as the ledger holds it.

    Attributes:
        sequence, recorded, author: number, time (ISO 8601, UTC) and actor of its event.
        text_digest: names the text in the store, as that of a comment.
        withdrawn: when its author withdrew it, or "".
    """

    sequence: int
    recorded: str
    author: str
    text_digest: str
    withdrawn: str = ""


def notes(events: Iterable[AuditEvent]) -> list[Note]:
    """The notes among the events of one case, in order, withdrawn ones too.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    found: dict[int, Note] = {}
    for event in events:
        if event.kind == "NOTED":
            text = str(event.payload.get("comment", ""))
            found[event.sequence] = Note(event.sequence, event.time, event.actor, text)
        elif event.kind == "NOTE_WITHDRAWN":
            number = event.payload.get("takes_back")
            if number not in found:
                raise LedgerError(
                    f"Event {event.sequence} withdraws a note that is not there.",
                    remedy="run `triptych audit verify`.",
                )
            found[number] = replace(found[number], withdrawn=event.time)
        elif event.kind == "PURGED":
            found.clear()
    return list(found.values())


def standing(events: Iterable[AuditEvent]) -> list[Note]:
    """The notes of one case that nobody withdrew, in order.

    Raises:
        LedgerError: as `notes`.
    """
    return [note for note in notes(events) if not note.withdrawn]


def counts(connection: Connection, *, only: Collection[str] | None = None) -> dict[str, int]:
    """case_id to the number of notes that stand, where there is one.

    Args:
        connection: reads the workspace.
        only: case_ids to look up one by one; quick where they are few. All cases if left out.
    """
    noted = only
    if noted is None:
        noted = {event.case_id for event in ledger.events(connection, kind="NOTED")}
    found = {}
    for case_id in noted:
        try:
            found[case_id] = len(standing(ledger.events(connection, case_id=case_id)))
        except LedgerError:  # `verify` names the event; the list of cases goes on
            continue
    return {case_id: number for case_id, number in found.items() if number}


def check_note(past: Iterable[AuditEvent], role: Role, text: str) -> None:
    """Refuse a note that may not be left.

    Args:
        past: all events of the case, in order.
        role: of its author.
        text: of the note.

    Raises:
        ReviewError: with the rule and what to do; never with the text.
    """
    if not may(role, "decide"):
        raise ReviewError(
            f"An account with the role {role} leaves no notes.", remedy="ask a reader to do it."
        )
    if progress(past).subject is None:
        raise ReviewError("There is nothing to read of this case.", remedy="assess it first.")
    if not text.strip():
        raise ReviewError("The note is empty.", remedy="write what the next reader should know.")
    check_comment(text, needed=False)


def check_withdrawal(past: Iterable[AuditEvent], name: str, sequence: int) -> Note:
    """Refuse to withdraw what is not this account's note, or was withdrawn already.

    Raises:
        ReviewError: with the rule and what to do.
    """
    for note in standing(past):
        if note.sequence == sequence and note.author == name:
            return note
    raise ReviewError(
        "You have no such note to withdraw.",
        remedy="look at the notes again: it may have been withdrawn already.",
    )


def leave(
    engine: Engine,
    case_id: str,
    text: str,
    *,
    author: str,
    role: Role,
    time: datetime | None = None,
) -> AuditEvent:
    """Append NOTED and keep the text, in one transaction.

    Args:
        engine: the workspace.
        case_id: the case.
        text: of the note.
        author, role: of whoever leaves it.
        time: of the event; now if left out.

    Raises:
        ReviewError: as `check_note`.
    """
    with writing(engine) as connection:
        check_note(ledger.events(connection, case_id=case_id), role, text)
        payload = {"comment": comments.put(connection, text.strip())}
        return ledger.append(
            connection, "NOTED", actor=author, case_id=case_id, payload=payload, time=time
        )


def withdraw(
    engine: Engine, case_id: str, sequence: int, *, author: str, time: datetime | None = None
) -> AuditEvent:
    """Append NOTE_WITHDRAWN, which names the note; its text stays in the record.

    Raises:
        ReviewError: as `check_withdrawal`.
    """
    with writing(engine) as connection:
        check_withdrawal(ledger.events(connection, case_id=case_id), author, sequence)
        return ledger.append(
            connection,
            "NOTE_WITHDRAWN",
            actor=author,
            case_id=case_id,
            payload={"takes_back": sequence},
            time=time,
        )
