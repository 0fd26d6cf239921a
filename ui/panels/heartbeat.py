"""Notices that a reader is active while nothing makes the page run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.state import desk

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parents[1] / "static" / "heartbeat.js"
KEY = "heartbeat"


@st.fragment
def listen() -> None:
    """Take a report from the browser at most every 30 s; only this fragment runs then."""
    _component()(key=KEY, on_beat_change=desk.alive, height="content")


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "triptych_heartbeat", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
    )
