"""What every page carries: the research-use line, who reads, and the state of the ledger."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinical.wording import RESEARCH_USE
from ui import state
from ui.markup import Markup, chip, tag


def masthead(title: str, *facts: str) -> DeltaGenerator:
    """Name of the product, what is on the screen, who reads; stays in view.

    Returns:
        The row, for buttons at its end.
    """
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="masthead")
    row.html(
        tag(
            "header",
            tag("span", "Triptych", class_="product"),
            tag("h1", title),
            tag("span", *(tag("span", fact) for fact in facts if fact), class_="facts"),
            tag("span", "Reader ", tag("b", state.reader()), class_="reader"),
            tag("span", RESEARCH_USE, class_="research", role="note"),
            class_="masthead",
        )
    )
    return row


def audit_strip(*facts: str | Markup) -> None:
    """State of the ledger, and a button to verify it again."""
    line, button = st.columns([0.88, 0.12], vertical_alignment="center")
    again = button.button("Verify ledger", key="verify", width="stretch")
    found = state.verified(again=again)
    verdict = found.verdict
    mark = (
        chip("intact", "good")
        if verdict.intact
        else chip(f"broken at event {verdict.first_broken}", "bad", verdict.reason)
    )
    since = state.events_count() - verdict.events
    later = f", {since} since" if since > 0 and verdict.intact else ""
    line.html(
        tag(
            "footer",
            tag("b", "Audit ledger "),
            mark,
            f" verified {found.time:%H:%M:%S}, {verdict.events} events{later}",
            *(tag("span", fact, class_="fact") for fact in facts),
            class_="audit",
        )
    )


def panel_title(title: str, detail: str | Markup = "") -> Markup:
    """Heading of a panel."""
    return tag("div", tag("h2", title), tag("span", detail, class_="detail"), class_="panel-title")
