"""What this reader has marked on the images of a case, as the record has it."""

from __future__ import annotations

from clinical.audit import ledger
from clinical.review import marking
from clinical.review.marks import Mark
from ui.state import state


def of_reader(case_id: str) -> tuple[Mark, ...]:
    """Their marks on all images of the case; a viewer that opens begins with them.

    Raises:
        StoreError: if the store does not hold what the event names.
    """
    with state.engine().connect() as connection:
        past = ledger.events(connection, case_id=case_id, kind="MARKED")
        return marking.marks_of(connection, marking.standing(past).get(state.reader()))
