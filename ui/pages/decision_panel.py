"""Accept, modify or reject the selected suggestion; every decision goes through `review`."""

from __future__ import annotations

import streamlit as st

from clinical import review
from clinical.assessment import Action
from clinical.errors import ReviewError
from ui import state, wording
from ui.markup import chip, tag
from ui.pages.suggestions_panel import DONE

LABELS: dict[Action, str] = {"accept": "Accept", "modify": "Modify", "reject": "Reject"}
NOUNS: dict[Action, str] = {"modify": "change", "reject": "rejection"}
SHORTCUTS: dict[Action, str] = {"accept": "a", "modify": "m", "reject": "x"}


def render(shown: state.Reading, diagnosis: str) -> None:
    """The three actions, then the reason where one is needed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="decision"):
        st.html(_standing(shown, diagnosis), width="content")
        for action in LABELS:
            _action_button(shown, diagnosis, action)
    waiting = state.pending()
    # Always there, so that what follows keeps its place: a viewer that moves starts anew.
    with st.container(key="reasons"):
        if waiting is not None:
            _reason_form(shown, diagnosis, waiting)


def _standing(shown: state.Reading, diagnosis: str) -> str:
    standing = review.decisions(shown.events).get(diagnosis)
    return tag(
        "p",
        tag("b", wording.named(diagnosis)),
        chip(DONE[standing.action], standing.action) if standing else chip("no decision yet"),
        f" by {standing.reader}" if standing else "",
        class_="standing",
    )


def _action_button(shown: state.Reading, diagnosis: str, action: Action) -> None:
    # Reason and replacement come later, so the button asks only what can be known now.
    accepting = state.draft(shown, diagnosis, "accept")
    allowed = action != "accept" or review.can_decide(accepting, shown.assessment, shown.events)
    pressed = st.button(
        LABELS[action],
        key=action,
        shortcut=SHORTCUTS[action],
        disabled=not allowed,
        type="primary" if state.pending() == action else "secondary",
        on_click=state.begin if action != "accept" else None,
        args=(action,) if action != "accept" else None,
    )
    if pressed and action == "accept":
        _record(shown, diagnosis, "accept", "", "", "")


def _reason_form(shown: state.Reading, diagnosis: str, action: Action) -> None:
    with st.form(f"reason-{shown.digest[:12]}-{diagnosis}-{action}", enter_to_submit=False):
        widths = [3, 3, 3, 1.5, 1] if action == "modify" else [4, 5, 1.5, 1]
        fields = st.columns(widths, vertical_alignment="bottom")
        reason = fields[0].selectbox(
            f"Reason to {action}",
            list(review.REASONS),
            index=None,
            format_func=review.REASONS.__getitem__,
            placeholder="Choose a reason",
            key="reason",
        )
        replacement = _replacement(shown, diagnosis, fields[1]) if action == "modify" else ""
        comment = fields[-3].text_input(
            "Comment", max_chars=review.MAX_COMMENT, key="comment", placeholder="Optional"
        )
        record = fields[-2].form_submit_button(
            f"Record {NOUNS[action]}", type="primary", width="stretch"
        )
        fields[-1].form_submit_button("Cancel", on_click=state.cancel, width="stretch")
    if record:
        _record(shown, diagnosis, action, reason or "", replacement, comment)


def _replacement(
    shown: state.Reading, diagnosis: str, place: st.delta_generator.DeltaGenerator
) -> str:
    others = [s.diagnosis for s in shown.assessment.suggestions if s.diagnosis != diagnosis]
    chosen = place.selectbox(
        "Diagnosis instead",
        others,
        index=None,
        format_func=wording.named,
        placeholder="Choose, or type a code such as ICD-10:J18.9",
        accept_new_options=True,
        key="replacement",
    )
    return chosen or ""


def _record(
    shown: state.Reading, diagnosis: str, action: Action, reason: str, replacement: str, text: str
) -> None:
    try:
        state.decide(state.draft(shown, diagnosis, action, reason, replacement, text))
    except ReviewError as error:
        st.error(f"Not recorded. {error.message}")
        st.caption(f"What to do: {error.remedy}")
        return
    st.rerun()
