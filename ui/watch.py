"""What makes the browser leave for the sign-in page by itself when a session is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parent / "static" / "watch.js"
EVERY = 15.0  # seconds between two questions to the server
WARNS_FROM = 180.0  # a shorter idle time leaves no time to warn of its end


def show(idle: float) -> None:
    """Keep watch on this page.

    Args:
        idle: the idle time of the session, in seconds.
    """
    every = min(EVERY, idle / 4)
    _component()(data={"every": every, "warns": idle >= WARNS_FROM, "over": False}, key="watch")


def leave() -> None:
    """Go to the sign-in page now."""
    _component()(data={"over": True}, key="leave")


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    return st.components.v2.component("triptych_watch", js=SCRIPT.read_text(encoding="utf-8"))
