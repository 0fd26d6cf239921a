"""Ranked suggestions as one row of cards; the chosen one colours the three panels."""

from __future__ import annotations

import streamlit as st

from clinical.case.assessment import Suggestion, set_sentence
from clinical.review import decisions as decisions_rules
from clinical.review.progress import RecordedDecision
from ui.panels import picklist, reasons
from ui.state import state
from ui.words import phrasing
from ui.words.markup import Markup, bar, chip, tag, unseen

DONE = {"accept": "accepted", "modify": "modified", "reject": "rejected", "add": "added"}


def render(shown: state.Reading) -> None:
    """Show the cards; choosing one selects its diagnosis."""
    markup = cards(
        shown.assessment.suggestions,
        state.selected(shown.assessment),
        decisions_rules.decisions(shown.events, state.reader()),
        shown.assessment.prediction_set.coverage,
    )
    picklist.show(markup, key="suggestions", subject=shown.case.case_id, on_pick=state.select)
    st.html(reasons.strip(shown.case, shown.assessment, state.selected(shown.assessment)))
    st.html(tag("p", set_sentence(shown.assessment), class_="set"))


def cards(
    suggestions: tuple[Suggestion, ...],
    selected: str,
    decisions: dict[str, RecordedDecision],
    coverage: float,
) -> Markup:
    """All suggestions as markup, in the order given; `coverage` is that of the prediction set."""
    return tag(
        "div",
        *(
            _card(
                suggestion,
                suggestion.diagnosis == selected,
                decisions.get(suggestion.diagnosis),
                coverage,
            )
            for suggestion in suggestions
        ),
        class_="cards",
        style=f"--cards:{len(suggestions)};--half:{-(-len(suggestions) // 2)}",
        role="radiogroup",
        aria_label="Suggestions, most probable first",
    )


def _card(
    suggestion: Suggestion, chosen: bool, decision: RecordedDecision | None, coverage: float
) -> Markup:
    withheld = suggestion.withheld_because
    over = withheld is None and suggestion.probability >= suggestion.threshold
    return tag(
        "div",
        tag(
            "div",
            tag("span", phrasing.named(suggestion.diagnosis), class_="name"),
            class_="top",
        ),
        _withheld(withheld) if withheld is not None else _probability(suggestion, over),
        _membership(suggestion, coverage),
        chip(DONE[decision.action], decision.action) if decision else "",
        class_=" ".join(("card", "chosen" if chosen else "", "over" if over else "")).strip(),
        role="radio",
        aria_checked="true" if chosen else "false",
        tabindex=0,
        data_pick=suggestion.diagnosis,
    )


def _membership(suggestion: Suggestion, coverage: float) -> Markup | str:
    if suggestion.in_set is None:
        return ""
    verb = "on" if suggestion.in_set else "not on"
    kind = "member" if suggestion.in_set else "unlisted"
    return tag("div", f"{verb} the {coverage:.0%} list", class_=kind)


def _withheld(reason: str) -> Markup:
    return tag("div", tag("b", "Withheld. "), phrasing.sentence(reason), class_="withheld")


def _probability(suggestion: Suggestion, over: bool) -> Markup:
    usual = phrasing.percent(suggestion.prevalence)
    marks = ((suggestion.threshold, f"threshold {phrasing.percent(suggestion.threshold)}"),)
    return tag(
        "div",
        tag(
            "div",
            tag("span", phrasing.percent(suggestion.probability), class_="number"),
            tag("span", phrasing.probability_words(suggestion.probability), class_="words"),
            class_="value",
        ),
        bar(suggestion.probability, "hot" if over else "", marks),
        tag(
            "div",
            tag("span", f"usual {usual}", title="Prevalence in the training data"),
            tag("span", "suggested" if over else "below threshold"),
            unseen(f", threshold {phrasing.percent(suggestion.threshold)}"),
            class_="context",
        ),
    )
