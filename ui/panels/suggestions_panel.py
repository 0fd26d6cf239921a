"""Ranked suggestions as a compact list, one line each; what the chosen one rests on opens below.

The list keeps its lines where they are, whichever is chosen, so that the eye finds them again.
"""

from __future__ import annotations

import streamlit as st

from clinical.case.assessment import Suggestion, set_sentence
from clinical.review import decisions as decisions_rules
from clinical.review.progress import RecordedDecision
from ui.panels import frame, picklist, reasons
from ui.state import state
from ui.words import phrasing
from ui.words.markup import Markup, bar, chip, joined, tag, unseen

DONE = {"accept": "accepted", "modify": "modified", "reject": "rejected", "add": "added"}


def render(shown: state.Reading, *, named: bool = False) -> None:
    """Show the list and the open suggestion; choosing another selects its diagnosis.

    Args:
        shown: what a model made of the case.
        named: say which model, where several were asked.
    """
    assessment = shown.assessment
    selected = state.selected(assessment)
    coverage = assessment.prediction_set.coverage
    markup = cards(
        assessment.suggestions,
        selected,
        decisions_rules.decisions(shown.events, state.reader()),
        coverage,
    )
    listed = "" if assessment.prediction_set.absent_because else f"• on the {coverage:.0%} list"
    title = f"Suggestions of {assessment.model.name}" if named else "Suggestions"
    st.html(frame.panel_title(title, listed))
    picklist.show(markup, key="suggestions", subject=shown.case.case_id, on_pick=state.select)
    st.html(
        tag(
            "div",
            reasons.strip(shown.case, assessment, selected),
            tag("p", set_sentence(assessment), class_="set"),
            class_="open",
            tabindex=0,
            role="region",
            aria_label=f"About {phrasing.named(selected)}",
        )
    )


def cards(
    suggestions: tuple[Suggestion, ...],
    selected: str,
    decisions: dict[str, RecordedDecision],
    coverage: float,
) -> Markup:
    """All suggestions as markup, in the order given; `coverage` is that of the prediction set."""
    stop = selected or next((one.diagnosis for one in suggestions), "")
    return tag(
        "div",
        *(
            _card(
                suggestion,
                suggestion.diagnosis == selected,
                suggestion.diagnosis == stop,
                decisions.get(suggestion.diagnosis),
                coverage,
            )
            for suggestion in suggestions
        ),
        class_="cards",
        role="radiogroup",
        aria_label="Suggestions, most probable first",
    )


def _card(
    suggestion: Suggestion,
    chosen: bool,
    stop: bool,
    decision: RecordedDecision | None,
    coverage: float,
) -> Markup:
    withheld = suggestion.withheld_because
    over = withheld is None and suggestion.probability >= suggestion.threshold
    return tag(
        "div",
        _membership(suggestion, coverage),
        tag("span", phrasing.named(suggestion.diagnosis), class_="name"),
        _withheld() if withheld is not None else _probability(suggestion, over),
        tag("span", _fate(decision, withheld, over), class_="fate"),
        class_=" ".join(("card", "chosen" if chosen else "", "over" if over else "")).strip(),
        role="radio",
        aria_checked="true" if chosen else "false",
        tabindex=0 if stop else -1,
        data_pick=suggestion.diagnosis,
        title=_title(suggestion),
    )


def _fate(decision: RecordedDecision | None, withheld: str | None, over: bool) -> Markup | str:
    """What was decided on it, else what the model says; both where they have room."""
    if decision is not None:
        return chip(DONE[decision.action], decision.action)
    if withheld is not None:
        return "withheld"
    return "suggested" if over else unseen("below threshold")


def _membership(suggestion: Suggestion, coverage: float) -> Markup:
    """A dot for what is on the list; the list itself stands below in words."""
    if suggestion.in_set is None:
        return tag("span", class_="listed")
    verb = "on" if suggestion.in_set else "not on"
    dot = tag("b", "•", aria_hidden="true") if suggestion.in_set else ""
    return tag("span", dot, unseen(f"{verb} the {coverage:.0%} list"), class_="listed")


def _withheld() -> Markup:
    return joined([tag("span", class_="bar"), tag("span", "–", class_="number")])


def _probability(suggestion: Suggestion, over: bool) -> Markup:
    marks = ((suggestion.threshold, f"threshold {phrasing.percent(suggestion.threshold)}"),)
    number = tag("span", phrasing.percent(suggestion.probability), class_="number")
    return joined([bar(suggestion.probability, "hot" if over else "", marks), number])


def _title(suggestion: Suggestion) -> str:
    """What one line has no room for."""
    usual = f"usual {phrasing.percent(suggestion.prevalence)} (prevalence in the training data)"
    if suggestion.withheld_because is not None:
        return f"Withheld: {suggestion.withheld_because}; {usual}"
    said = phrasing.probability_words(suggestion.probability)
    return f"{phrasing.capital(said)}; threshold {phrasing.percent(suggestion.threshold)}; {usual}"
