"""Which case the address names: `/case?id=17`, so that a reload and the browser's Back keep it.

An address is kept by browsers and proxies, so it holds nothing of a patient, not even the name of
the case: the number is that of the case's first event in the ledger, which never changes. Whoever
opens it has to be allowed to, and opening is recorded, as from the worklist.
"""

from __future__ import annotations

import streamlit as st

from clinical.audit import ledger
from ui.state import state

ID = "id"
BACK = "back"  # of static/address.js: the browser's Back or Forward led here, with a new number
SEEN = "triptych_back"
LONGEST = 12  # digits


def of(case_id: str) -> dict[str, str]:
    """What the address of a case has behind its question mark."""
    with state.engine().connect() as connection:
        return {ID: str(ledger.first_of(connection, case_id))}


def wanted() -> dict[str, str]:
    """The same of the case that was asked for and is not on the screen yet."""
    return of(state.current_case() or "")


def on_screen() -> str | None:
    """The case that the page is to show, or None; the address names it from now on.

    What was chosen on the page comes first. The address is asked in a new session and after Back
    or Forward only: in any other run it may be the one of the run before.
    """
    moved = st.query_params.get(BACK)
    found = state.current_case()
    back = moved is not None and moved != st.session_state.get(SEEN)
    fresh = found is None and SEEN not in st.session_state
    if not state.requested() and (back or fresh):
        named = _named(st.query_params.get(ID, ""))
        if named is not None and named != found:
            state.open_case(named)
        found = named or found
    st.session_state[SEEN] = moved or st.session_state.get(SEEN, "")
    state.arrived()
    if found is not None and st.query_params.to_dict() != (address := of(found)):
        st.query_params.from_dict(address)
    return found


def _named(number: str) -> str | None:
    if not number.isdecimal() or not number.isascii() or len(number) > LONGEST:
        return None
    with state.engine().connect() as connection:
        return ledger.case_of(connection, int(number)) or None
