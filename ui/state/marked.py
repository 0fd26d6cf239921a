"""What this reader has marked on the images of a case: what was drawn since, else recorded."""

from __future__ import annotations

from collections.abc import Mapping

from clinical.audit import ledger
from clinical.case.shapes import Array
from clinical.review import marking, marks
from clinical.review.marking import Marked
from clinical.review.marks import Mark
from ui.state import desk, drafts, state
from ui.state.desk import OpenCase


def recorded(shown: OpenCase) -> list[tuple[Marked, tuple[Mark, ...]]]:
    """What each reader marked, as far as this reader may see it, in the order of the record.

    Raises:
        StoreError: if the store does not hold what an event names.
    """
    found = sorted(marking.standing(shown.events).values(), key=lambda one: one.sequence)
    with state.engine().connect() as connection:
        every = [(one, marking.marks_of(connection, one)) for one in found]
    return [(one, listed) for one, listed in every if listed]


def of_reader(case_id: str, images: Mapping[str, Array]) -> tuple[Mark, ...]:
    """Their marks on all images of the case; a viewer that opens begins with them.

    Args:
        case_id: the case.
        images: of the case, by the names under which a reader chooses them.

    Raises:
        StoreError: if the store does not hold what the event names.
    """
    with state.engine().connect() as connection:
        past = ledger.events(connection, case_id=case_id, kind="MARKED")
        before = marking.marks_of(connection, marking.standing(past).get(state.reader()))
    left = drafts.find(desk.owner(case_id))
    drawn = (marks.read(left.marks, images) if left else None) or {}
    kept = [mark for mark in before if mark.image not in drawn]
    return (*kept, *(mark for listed in drawn.values() for mark in listed))
