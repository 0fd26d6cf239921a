"""What other readers did with the case while it was open here, in words."""

from __future__ import annotations

import streamlit as st

from clinical.case.assessment import AuditEvent
from clinical.review.decisions import REASONS
from clinical.review.progress import recorded_decision
from clinical.wording import inside_a_sentence
from ui.panels.signature_panel import said
from ui.state import desk
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import tag

ALONE = (
    "Two readers sign this case independently. You see the other reader's decisions after you"
    " have signed."
)


def render(shown: OpenCase) -> None:
    """One line for each thing that happened; nothing where nothing did."""
    lines = [
        tag("p", tag("b", f"{event.actor} at {phrasing.utc(event.time)}"), tag("span", told(event)))
        for event in desk.news(shown)
    ]
    if lines:
        own = "Your own decisions are unchanged; both are kept."
        head = tag("p", tag("b", "Since you opened this case"), tag("span", own), class_="warn")
        st.html(tag("div", head, *lines, class_="warnings", role="status"))
    elif shown.hidden:
        line = tag("p", tag("b", "Second read"), tag("span", ALONE), class_="note")
        st.html(tag("div", line, class_="warnings"))


def told(event: AuditEvent) -> str:
    """What somebody did, as the end of a sentence that begins with their name."""
    match event.kind:
        case "DECIDED":
            decision = recorded_decision(event)
            reason = REASONS.get(decision.reason, "")
            return said(decision) + (f" ({inside_a_sentence(reason)})" if reason else "")
        case "UNDONE":
            named = phrasing.diagnosis(str(event.payload.get("diagnosis", "")))
            return f"undid a decision on {inside_a_sentence(named)}"
        case "SIGNED":
            return "signed the case"
        case "AMENDED":
            return "reopened their signed reading"
        case "NOTED":
            return "left a note"
    return "adjudicated the case"
