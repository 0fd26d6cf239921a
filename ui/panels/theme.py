"""The switch between the dark and the light theme; the browser remembers the choice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.state import handover

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parents[1] / "static" / "theme.js"


def switch() -> None:
    """A button that changes the theme; the page is loaded again with what was open."""
    _component()(
        key="theme",
        data={"leaving": handover.leaving()},
        on_change_change=handover.leave,
        width="content",
        height="content",
    )


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "triptych_theme", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
    )
