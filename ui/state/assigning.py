"""Session state of assignment: which cases are selected in the worklist, and to whom they go."""

from __future__ import annotations

import streamlit as st

from clinical.access import accounts
from clinical.review import assignment
from ui.access import presence
from ui.state import caseload, state

MARKED = "triptych_marked"


def readers() -> list[str]:
    """Who a case may be assigned to: the accounts that can read it now.

    A demonstration has no accounts: there, everyone at work here, and this reader.
    """
    if presence.demonstration():
        known = caseload.current(state.engine(), state.workspace()).readers
        return sorted(known | {state.reader()})
    with state.engine().connect() as connection:
        return sorted(accounts.readers(connection))


def marked() -> frozenset[str]:
    """Cases that are marked in the worklist."""
    found: frozenset[str] = st.session_state.get(MARKED, frozenset())
    return found


def mark(case_id: str) -> None:
    """Mark a case in the worklist, or take its mark away."""
    st.session_state[MARKED] = marked() ^ {case_id}


def unmark() -> None:
    """Take away all marks."""
    st.session_state.pop(MARKED, None)


def assign(reader: str) -> int:
    """Assign the marked cases to `reader`, or to nobody with ""; returns how many changed hands.

    Raises:
        ReviewError: if this account may not, or nothing can be assigned like that.
    """
    changed = assignment.assign(
        state.engine(), marked(), reader, actor=state.reader(), role=state.role()
    )
    unmark()
    return changed
