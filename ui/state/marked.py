"""What this reader has marked on the images of a case: what was drawn since, else recorded."""

from __future__ import annotations

from collections.abc import Mapping

from clinical.audit import ledger
from clinical.case.shapes import Array
from clinical.review import marking, marks
from clinical.review.marks import Mark
from ui.state import desk, drafts, state


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
        recorded = marking.marks_of(connection, marking.standing(past).get(state.reader()))
    left = drafts.find(desk.owner(case_id))
    drawn = (marks.read(left.marks, images) if left else None) or {}
    kept = [mark for mark in recorded if mark.image not in drawn]
    return (*kept, *(mark for listed in drawn.values() for mark in listed))
