"""Session state of assigning: which cases are marked in the worklist, and to whom they go."""

from __future__ import annotations

import streamlit as st

from clinical import assignment
from ui import caseload, state

MARKED = "triptych_marked"


def readers() -> list[str]:
    """Account names that a case may be assigned to: everyone at work here, and this reader."""
    known = caseload.current(state.engine(), state.workspace()).readers
    return sorted(known | {state.reader()})


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
    return len(changed)
