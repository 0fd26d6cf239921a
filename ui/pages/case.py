"""One case: warnings, suggestions, and three panels coloured by the selected diagnosis.

While the model's output is withheld, or where there is none, the panels show the case alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from clinical.case import withheld
from clinical.case.assessment import Assessment, Explanation
from clinical.case.case import Case
from clinical.formatting import uncertain
from clinical.modalities.kit import person
from clinical.review import danger
from ui.panels import (
    adjudication_panel,
    alike_panel,
    case_pdf_panel,
    danger_panel,
    decision_panel,
    first_read_panel,
    frame,
    inputs,
    news_panel,
    note_panel,
    record_panel,
    suggestions_panel,
    what_if_panel,
    withheld_panel,
)
from ui.state import address, desk, drafts, state, worklist_order
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, joined, tag

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.navigation.page import Page

NO_MODEL = "No model has assessed this case: it is read without suggestions."
NO_SUGGESTION = "The model made no suggestion for this case."


def render(list_page: Page) -> None:
    """Show the case of this session, or go to `list_page` if there is none."""
    case_id = address.on_screen()
    shown = desk.opened(case_id) if case_id else None
    if case_id is None or shown is None:
        state.close_case()
        st.switch_page(list_page)
    desk.attend(shown)
    case = shown.case
    with frame.masthead(case.case_id, *_facts(case)):
        _navigation(case_id)
    # Each part has a place that is always there: a viewer that moves on the page starts again.
    with st.container(key="pause"):
        if dangers := danger_panel.banner(danger.of_case(case)):
            st.html(dangers)
        news_panel.render(shown)
        note_panel.standing(shown)
        if shown.machine and (warnings := warning_lines(shown.machine.assessment)):
            st.html(warnings)
    assessment = shown.machine.assessment if shown.machine else None
    drafts.settle(
        shown,
        state.selected(assessment) if assessment and assessment.suggestions else None,
    )
    diagnosis = _answers(shown)
    _panels(shown, diagnosis)
    alike_panel.render(shown)
    record_panel.render(shown, diagnosis)
    note_panel.render(shown)
    case_pdf_panel.render(shown)
    desk.watch(shown)
    if (visit := desk.visit(shown)) is not None:
        st.html(tag("span", data_visit=visit.name, hidden=True), width="content")


def _answers(shown: OpenCase) -> str | None:
    """What the reader is asked, above the panels; returns the diagnosis that colours them."""
    diagnosis = None
    with st.container(key="answers"):
        if shown.withheld:
            first_read_panel.render(shown)
        elif shown.machine is None:
            st.html(tag("p", NO_MODEL, class_="quiet"))
        elif not shown.machine.assessment.suggestions:
            st.html(tag("p", NO_SUGGESTION, class_="quiet"))
        elif withheld.whole(shown.machine.assessment):
            withheld_panel.render(shown.case, shown.machine.assessment)
        else:
            suggestions_panel.render(shown.machine)
            diagnosis = state.selected(shown.machine.assessment)
    with st.container(key="decisions"):
        if adjudication_panel.due(shown):
            adjudication_panel.render(shown)
        elif not shown.withheld:
            decision_panel.render(shown, diagnosis)
    return diagnosis


def _panels(shown: OpenCase, diagnosis: str | None) -> None:
    assessment = shown.machine.assessment if shown.machine else None
    explanation = explanation_of(assessment, diagnosis) if assessment and diagnosis else None
    left, middle, right = st.columns([44, 31, 25], gap="small")
    places: dict[inputs.Place, DeltaGenerator] = {
        "left": left,
        "middle": middle,
        "right": right,
        "below": st.container(key="below"),
    }
    for place, column in places.items():
        with column:
            for panel in inputs.at(place, shown.case):
                panel.render(shown.case, assessment, explanation, diagnosis or "")
    if shown.machine:
        what_if_panel.render(shown.machine)


def explanation_of(assessment: Assessment, diagnosis: str) -> Explanation | None:
    """What the suggestion of `diagnosis` rests on, or None where nothing can be shown.

    What a withheld suggestion rests on is withheld with it.
    """
    if any(s.diagnosis == diagnosis and s.withheld_because for s in assessment.suggestions):
        return None
    return next((e for e in assessment.explanations if e.diagnosis == diagnosis), None)


def warning_lines(assessment: Assessment) -> Markup:
    """Everything that should make a reader pause, or empty markup."""
    distribution = assessment.out_of_distribution
    lines: list[Markup] = []
    if distribution.flagged and not withheld.whole(assessment):  # else it is said below
        reasons = " ".join(phrasing.sentence(reason) for reason in distribution.reasons)
        lines.append(
            _line(
                "Out of distribution",
                f"Unlike the cases the model was trained on. {reasons}",
                "bad",
            )
        )
    lines.extend(
        _line("Inputs disagree", uncertain(sentence), "warn") for sentence in assessment.conflicts
    )
    if assessment.missing:
        lines.append(_line("Missing", ", ".join(assessment.missing), "note"))
    if assessment.unknown:
        lines.append(_line("Not read by this model", ", ".join(assessment.unknown), "note"))
    lines.extend(_line("Could not be used", problem, "note") for problem in assessment.problems)
    return tag("div", *lines, class_="warnings", role="alert") if lines else joined([])


def _line(label: str, text: str, kind: str) -> Markup:
    return tag("p", tag("b", label), tag("span", text), class_=kind)


def _facts(case: Case) -> list[str]:
    who = person(case)
    age = who.age_years
    sex = who.sex
    return [
        ", ".join(part for part in (f"{age:.0f} y" if age is not None else "", sex or "") if part),
        f"Decision {phrasing.moment(case.decision_time)}",
        f"Patient {case.patient_id}",
    ]


def _leave() -> None:
    desk.leave()
    state.close_case()  # and `render` goes to the worklist


def _navigation(case_id: str) -> None:
    ordered = state.ordered()
    targets = (
        ("Previous", "previous", "k", worklist_order.neighbour(ordered, case_id, -1)),
        ("Next", "next", "j", worklist_order.neighbour(ordered, case_id, 1)),
        ("Next unread", "next-unread", "n", worklist_order.next_unread(ordered, case_id)),
    )
    st.button("Worklist", key="back", shortcut="w", on_click=_leave)
    for label, key, shortcut, target in targets:
        st.button(
            label,
            key=key,
            shortcut=shortcut,
            disabled=target is None,
            on_click=state.open_case,
            args=(target,),
        )
