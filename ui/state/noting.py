"""Notes on the open case from one reader to the next, as far as this reader may see them."""

from __future__ import annotations

from clinical.review import note
from clinical.review.note import Note
from ui.access import presence
from ui.state import state
from ui.state.desk import OpenCase


def notes(shown: OpenCase) -> list[Note]:
    """All notes of the case, withdrawn ones too; of who reads blind only their own."""
    return note.notes(shown.events)


def text_of(found: Note) -> str:
    """What a note says."""
    return state.comment(found.text_digest)


def leave(shown: OpenCase, text: str) -> None:
    """Leave a note for the next reader.

    Raises:
        ReviewError: if it is empty or too long.
        AccessRefused: if the role does not allow it.
    """
    presence.require("decide")
    note.leave(state.engine(), shown.case.case_id, text, author=state.reader(), role=state.role())


def withdraw(shown: OpenCase, sequence: int) -> None:
    """Withdraw a note of this reader.

    Raises:
        ReviewError: if it is not theirs, or was withdrawn already.
        AccessRefused: if the role does not allow it.
    """
    presence.require("decide")
    note.withdraw(state.engine(), shown.case.case_id, sequence, author=state.reader())
