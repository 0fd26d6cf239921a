"""How the case was put together, where nobody entered it: what went in, what did not, the rules."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui.panels import frame
from ui.state.desk import OpenCase
from ui.words import assembled_words
from ui.words.markup import Markup, tag


def render(shown: OpenCase) -> None:
    """One line and the rules, folded; nothing for a case that somebody entered or imported."""
    assembled = of(shown)
    if assembled is None:
        return
    st.html(frame.panel_title("Put together from what arrived", "by rule, not by a person"))
    line = assembled_words.sentence(assembled, shown.case.decision_time)
    st.html(tag("div", tag("p", line), _rules(assembled), class_="assembled"))


def of(shown: OpenCase) -> dict[str, Any] | None:
    """What the record says of how the case as it is now was put together, or None."""
    imports = [event for event in shown.events if event.kind == "IMPORTED"]
    found = imports[-1].payload.get("assembled") if imports else None
    return dict(found) if isinstance(found, dict) else None


def _rules(assembled: dict[str, Any]) -> Markup:
    rows = [
        tag("tr", tag("th", called, scope="row"), tag("td", reads))
        for called, reads in assembled_words.rules(assembled)
    ]
    caption = tag("caption", "The rules of assembly", class_="unseen")
    return tag("details", tag("summary", "The rules"), tag("table", caption, tag("tbody", *rows)))
