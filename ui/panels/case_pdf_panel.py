"""The open case as a PDF: made when it is asked for, and recorded."""

from __future__ import annotations

import streamlit as st

from ui.access import presence
from ui.state import printing
from ui.state.desk import OpenCase
from ui.words.markup import tag

RECORDED = "With patient data. That it is saved is recorded."


def render(shown: OpenCase) -> None:
    """A button that saves the case as it is in the record; none where something is kept back."""
    if not presence.can("print_case"):
        return
    because = printing.refusal(shown)
    with st.container(horizontal=True, vertical_alignment="center", key="case-pdf-row"):
        st.download_button(
            "PDF of this case",
            _nothing if because else printing.printer(shown),
            printing.file_name(shown),
            "application/pdf",
            key="case-pdf",
            on_click="ignore",  # no run of the page: what is half written stays as it is
            disabled=bool(because),
        )
        st.html(tag("p", because or RECORDED, class_="quiet"), width="content")


def _nothing() -> bytes:
    return b""
