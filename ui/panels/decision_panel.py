"""Accept, modify, reject, add, undo, sign; every step goes through `review`."""

from __future__ import annotations

from functools import partial
from typing import cast

import streamlit as st

from clinical.case.assessment import Action, Confidence
from clinical.review import comment, decisions, signature, undo
from clinical.review.decisions import ACTED
from clinical.review.progress import RecordedDecision
from clinical.wording import inside_a_sentence
from ui.access import presence
from ui.panels import diagnosis_field, signature_panel
from ui.panels.attempt import attempt, tell
from ui.state import desk, state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, chip, tag

LABELS: dict[Action, str] = {"accept": "Accept", "modify": "Modify", "reject": "Reject"}
NOUNS: dict[Action, str] = {"modify": "change", "reject": "rejection"}
ADDED, REPLACEMENT = "Added diagnosis", "Replacement"
REASON, COMMENT, SURE = "reason", "comment", "added-confidence"  # fields of the forms
SHORTCUTS: dict[Action, str] = {"accept": "a", "modify": "m", "reject": "x", "add": "e"}


def render(shown: OpenCase, diagnosis: str | None) -> None:
    """The actions on the selected suggestion and on the reading, then what they still ask.

    Args:
        shown: the case; nothing of it is withheld.
        diagnosis: the selected suggestion, or None where there is none.
    """
    if signature_panel.closed(shown) or not presence.can("decide"):
        signature_panel.render_closed(shown)
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="decision"):
        if diagnosis:
            _suggestion_row(shown, diagnosis)
        _reading_buttons(shown)
    _added(shown)
    waiting = state.pending()
    # Always there, so that what follows keeps its place: a viewer that moves starts again.
    with st.container(key="reasons"):
        if waiting == "sign":
            signature_panel.render(shown)
        elif waiting == "add":
            _add_form(shown)
        elif waiting in NOUNS and diagnosis:
            _reason_form(shown, diagnosis, cast(Action, waiting))
        tell()


def _suggestion_row(shown: OpenCase, diagnosis: str) -> None:
    st.html(_standing(shown, diagnosis), width="content")
    st.html(tag("span", "Confidence", class_="quiet"), width="content")
    standing = shown.mine.standing.get(diagnosis)
    diagnosis_field.how_sure(
        "Confidence in this decision",
        _sure_key(shown, diagnosis),
        default=standing.confidence if standing else None,
    )
    for action in LABELS:
        _action_button(shown, diagnosis, action)


def _sure_key(shown: OpenCase, diagnosis: str) -> str:
    return f"confidence-{shown.case.case_id}-{diagnosis}"


def _sure(shown: OpenCase, diagnosis: str) -> Confidence | None:
    # Not what the run that drew the button knew: the answer may have come with the same click.
    return st.session_state.get(_sure_key(shown, diagnosis))


def _standing(shown: OpenCase, diagnosis: str) -> Markup:
    standing = shown.mine.standing.get(diagnosis)
    return tag(
        "p",
        tag("b", phrasing.named(diagnosis)),
        chip(f"{ACTED[standing.action]} by you", standing.action)
        if standing
        else chip("no decision yet"),
        class_="standing",
    )


def _action_button(shown: OpenCase, diagnosis: str, action: Action) -> None:
    # Reason and replacement come later, so the button asks only what can be known now.
    accepting = desk.draft(shown, diagnosis, "accept")
    assessment = shown.machine.assessment if shown.machine else None
    allowed = action != "accept" or decisions.can_decide(accepting, assessment, shown.events)
    st.button(
        LABELS[action],
        key=action,
        shortcut=SHORTCUTS[action],
        disabled=not allowed,
        type="primary" if state.pending() == action else "secondary",
        on_click=_accept if action == "accept" else state.begin,
        args=(shown, diagnosis) if action == "accept" else (action,),
    )


def _accept(shown: OpenCase, diagnosis: str) -> None:
    confidence = _sure(shown, diagnosis)
    attempt(
        lambda: desk.decide(shown, desk.draft(shown, diagnosis, "accept", confidence=confidence))
    )


def _reading_buttons(shown: OpenCase) -> None:
    """What concerns the reading as a whole: add, take back, sign."""
    st.button(
        "Add diagnosis",
        key="add",
        shortcut=SHORTCUTS["add"],
        type="primary" if state.pending() == "add" else "secondary",
        on_click=state.begin,
        args=("add",),
    )
    undoable = undo.can_undo(shown.events, state.reader())
    st.button(
        "Undo",
        key="undo",
        shortcut="z",
        disabled=not undoable,
        on_click=attempt,
        args=(partial(desk.undo, shown),),
    )
    st.button(
        "Sign",
        key="sign",
        shortcut="s",
        disabled=not signature.can_sign(desk.signature(shown), shown.events),
        type="primary",
        on_click=state.begin,
        args=("sign",),
    )
    left = signature.left_to_decide(shown.progress, state.reader())
    if left:
        words = ", ".join(inside_a_sentence(phrasing.named(name)) for name in left)
        st.html(tag("p", f"Before signing, decide on: {words}", class_="quiet"), width="content")


def _added(shown: OpenCase) -> None:
    added = [d for d in shown.mine.standing.values() if d.action == "add"]
    if not added:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="added"):
        for decision in added:
            st.html(_added_line(decision), width="content")
            st.button(
                "Undo",
                key=f"take-back-{decision.sequence}",
                type="tertiary",
                on_click=attempt,
                args=(partial(desk.undo, shown, decision.sequence),),
            )


def _added_line(decision: RecordedDecision) -> Markup:
    sure = f", {decision.confidence} confidence" if decision.confidence else ""
    return tag(
        "p",
        chip("added by you", "add"),
        f"{phrasing.diagnosis(decision.diagnosis)}{sure}",
        class_="standing",
    )


def _add_form(shown: OpenCase) -> None:
    suggestions = shown.machine.assessment.suggestions if shown.machine else ()
    own = [s.diagnosis for s in suggestions if s.withheld_because is not None]
    choices = diagnosis_field.options(own, without=shown.diagnoses)
    form = _add_name(shown)
    with st.form(form, enter_to_submit=False):
        fields = st.columns([3.6, 1.7, 2.2, 2.5, 1.6, 1], vertical_alignment="bottom")
        diagnosis_field.one(form, ADDED, choices, fields[0], fields[1])
        with fields[2]:
            sure = {str(name): name.capitalize() for name in diagnosis_field.CONFIDENCES}
            key = diagnosis_field.key_in(form, SURE)
            diagnosis_field.begin_with(key, sure)
            diagnosis_field.how_sure("Confidence", key, labelled=True)
        _comment_field(form, fields[3])
        fields[4].form_submit_button(
            "Record diagnosis",
            key="record",
            type="primary",
            width="stretch",
            on_click=_add,
            args=(shown,),
        )
        fields[5].form_submit_button("Cancel", key="cancel", on_click=state.cancel, width="stretch")
        desk.watch(shown, "form")


def _add_name(shown: OpenCase) -> str:
    return f"add-{shown.case.case_id}"


def _add(shown: OpenCase) -> None:
    form = _add_name(shown)
    draft = partial(
        desk.draft,
        shown,
        diagnosis_field.named(form, ADDED),
        "add",
        comment=_comment(form),
        confidence=st.session_state.get(diagnosis_field.key_in(form, SURE)),
    )
    attempt(lambda: desk.decide(shown, draft()))


def _reason_form(shown: OpenCase, diagnosis: str, action: Action) -> None:
    form = _reason_name(shown, diagnosis, action)
    with st.form(form, enter_to_submit=False):
        widths = [3, 3, 1.7, 2.3, 1.5, 1] if action == "modify" else [4, 5, 1.5, 1]
        fields = st.columns(widths, vertical_alignment="bottom")
        key = diagnosis_field.key_in(form, REASON)
        diagnosis_field.begin_with(key, decisions.REASONS)
        fields[0].selectbox(
            f"Reason to {action}",
            list(decisions.REASONS),
            index=None,
            format_func=decisions.REASONS.__getitem__,
            placeholder="Choose a reason",
            key=key,
        )
        if action == "modify":
            others = [name for name in shown.diagnoses if name != diagnosis]
            choices = diagnosis_field.options(others, without=[diagnosis])
            diagnosis_field.one(form, REPLACEMENT, choices, fields[1], fields[2])
        _comment_field(form, fields[-3])
        fields[-2].form_submit_button(
            f"Record {NOUNS[action]}",
            key="record",
            type="primary",
            width="stretch",
            on_click=_record,
            args=(shown, diagnosis, action),
        )
        fields[-1].form_submit_button(
            "Cancel", key="cancel", on_click=state.cancel, width="stretch"
        )
        desk.watch(shown, "form")


def _reason_name(shown: OpenCase, diagnosis: str, action: Action) -> str:
    return f"{action}-{shown.case.case_id}-{shown.digest[:12]}-{diagnosis}"


def _record(shown: OpenCase, diagnosis: str, action: Action) -> None:
    form = _reason_name(shown, diagnosis, action)
    draft = partial(
        desk.draft,
        shown,
        diagnosis,
        action,
        st.session_state.get(diagnosis_field.key_in(form, REASON)) or "",
        diagnosis_field.named(form, REPLACEMENT) if action == "modify" else "",
        _comment(form),
        _sure(shown, diagnosis),
    )
    attempt(lambda: desk.decide(shown, draft()))


def _comment_field(form: str, place: st.delta_generator.DeltaGenerator) -> None:
    key = diagnosis_field.key_in(form, COMMENT)
    diagnosis_field.begin_with(key)
    place.text_input("Comment", max_chars=comment.MAX_COMMENT, key=key, placeholder="Optional")


def _comment(form: str) -> str:
    return str(st.session_state.get(diagnosis_field.key_in(form, COMMENT)) or "")
