"""Keep a reader's unfinished work across a page reload that the page itself requested.

Streamlit reads its theme when the page is loaded, so that another theme needs a reload, and a
reload starts a new session. The state of the old session waits here for the new one of the same
reader; nothing of it is in the address or in the browser.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ui.access import presence
from ui.state import state

OURS = "triptych_"
LEAVING, ARRIVED = "triptych_leaving", "triptych_arrived"
SECONDS = 300.0
"""A reload takes one or two, or many on a busy machine; what nobody fetched by then is dropped."""


@dataclass(frozen=True)
class Left:
    """The state of one session, and when it was left (monotonic clock, seconds)."""

    state: dict[str, Any]
    time: float


def leave() -> None:
    """Keep the state of this session; the page is about to load again."""
    own = {str(key): value for key, value in st.session_state.items() if str(key).startswith(OURS)}
    _waiting()[presence.holder()] = Left(own, time.monotonic())
    st.session_state[LEAVING] = True


def leaving() -> bool:
    """Whether the page of this session is to load again."""
    return bool(st.session_state.get(LEAVING))


def arrive() -> None:
    """Take over what the same reader just left, at the first run of a session."""
    if st.session_state.get(ARRIVED):
        return
    st.session_state[ARRIVED] = True
    left = _waiting().pop(presence.holder(), None)
    if left is not None and time.monotonic() - left.time < SECONDS:
        for key, value in left.state.items():
            st.session_state[key] = value
        state.unsettle()  # what stood in the fields of a form is none of it


@st.cache_resource(show_spinner=False)
def _waiting() -> dict[str, Left]:
    return {}
