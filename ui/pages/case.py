"""One case: warnings, the film, beside it suggestions and decisions, and what else is there.

The selected diagnosis colours the panels. While the model's output is withheld, or where there is
none, they show the case alone. page.css says what stands where; the reader chooses what is beside
the film (`ui.panels.hanging`).
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
from clinical.wording import words
from ui.panels import (
    adjudication_panel,
    alike_panel,
    asked_panel,
    assembled_panel,
    case_pdf_panel,
    danger_panel,
    decision_panel,
    first_read_panel,
    frame,
    hanging,
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

NAMES: dict[inputs.Place, str] = {
    "left": "film",
    "middle": "labs",
    "right": "story",
    "below": "further",
}
"""What page.css calls a place; "no-film" where the case has nothing for it, and so on."""

OTHERS: tuple[inputs.Place, ...] = ("middle", "right", "below")


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
    diagnosis = _reading(shown)
    if shown.machine:
        what_if_panel.render(shown.machine)
    alike_panel.render(shown)
    assembled_panel.render(shown)
    record_panel.render(shown, diagnosis)
    note_panel.render(shown)
    case_pdf_panel.render(shown)
    desk.watch(shown)
    if (visit := desk.visit(shown)) is not None:
        st.html(tag("span", data_visit=visit.name, hidden=True), width="content")


def _reading(shown: OpenCase) -> str | None:
    """The film, what is asked beside it, and the other panels; returns the selected diagnosis."""
    with st.container(key="reading"):
        film = _place("left", shown.case)
        side = st.container(key="side")
        others = [_place(place, shown.case) for place in OTHERS]
    with side:
        diagnosis = _answers(shown)
    with film:
        hanging.render(shown.case)
    for place, part in zip(("left", *OTHERS), (film, *others), strict=True):
        with part:
            _panels(shown, place, diagnosis)
    return diagnosis


def _place(place: inputs.Place, case: Case) -> DeltaGenerator:
    name = NAMES[place]
    return st.container(key=name if inputs.given(place, case) else f"no-{name}")


def _answers(shown: OpenCase) -> str | None:
    """What the reader is asked, beside the film; returns the diagnosis that colours the panels."""
    diagnosis = None
    with st.container(key="answers"):
        if shown.withheld:
            first_read_panel.render(shown)
        elif shown.machine is None:
            st.html(tag("p", NO_MODEL, class_="quiet"))
        elif not shown.machine.assessment.suggestions:
            st.html(tag("p", NO_SUGGESTION, class_="quiet"))
        elif withheld.whole(shown.machine.assessment):
            withheld_panel.render(shown, shown.machine.assessment)
        else:
            suggestions_panel.render(shown.machine, named=len(shown.asked) > 1)
            diagnosis = state.selected(shown.machine.assessment)
        asked_panel.render(shown)
    with st.container(key="decisions"):
        if adjudication_panel.due(shown):
            adjudication_panel.render(shown)
        elif not shown.withheld:
            decision_panel.render(shown, diagnosis)
    return diagnosis


def _panels(shown: OpenCase, place: inputs.Place, diagnosis: str | None) -> None:
    assessment = shown.machine.assessment if shown.machine else None
    explanation = explanation_of(assessment, diagnosis) if assessment and diagnosis else None
    for panel in inputs.at(place, shown.case):
        panel.render(shown.case, assessment, explanation, diagnosis or "")


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
        lines.append(_line("Missing", ", ".join(map(words, assessment.missing)), "note"))
    if assessment.unknown:
        unread = ", ".join(map(words, assessment.unknown))
        lines.append(_line("Not read by this model", unread, "note"))
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


def _navigation(case_id: str) -> None:
    ordered = state.ordered()
    targets = (
        ("Previous", "previous", "k", worklist_order.neighbour(ordered, case_id, -1)),
        ("Next", "next", "j", worklist_order.neighbour(ordered, case_id, 1)),
        ("Next unread", "next-unread", "n", worklist_order.next_unread(ordered, case_id)),
    )
    # Where no case is open, `render` goes to the worklist.
    st.button("Worklist", key="back", shortcut="w", on_click=state.close_case)
    for label, key, shortcut, target in targets:
        st.button(
            label,
            key=key,
            shortcut=shortcut,
            disabled=target is None,
            on_click=state.open_case,
            args=(target,),
        )
