"""Below the panels: what each input contributes, the reading so far, and the audit strip."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clinical.case.assessment import Assessment
from clinical.review import decisions, marks
from clinical.review.marking import Marked
from clinical.review.marks import Mark
from ui.access import presence
from ui.panels import adjudication_panel, frame, trail
from ui.state import marked, readers_agree, state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, bar, joined, table, tag

DIGITS = 10  # of a digest, enough to compare by eye


def render(shown: OpenCase, diagnosis: str | None) -> None:
    """Contribution table, agreement of readers, history of the reading, and audit strip."""
    left, right = st.columns([44, 56], gap="small")
    with left:
        if shown.machine and diagnosis:
            st.html(frame.panel_title("What each input contributes", phrasing.named(diagnosis)))
            st.html(contributions(shown.machine.assessment, diagnosis))
        if presence.can("adjudicate"):
            st.html(frame.panel_title("Agreement between readers", "cases signed by two readers"))
            st.html(adjudication_panel.kappa_table(readers_agree.reader_kappa()))
    with right:
        recorded = len(decisions.history(shown.events))
        st.html(frame.panel_title("Decisions", f"{recorded} recorded"))
        standing = {decision.sequence for decision in decisions.standing(shown.events)}
        st.html(trail.table_of(shown.events, standing, state.comment))
        if found := marked.recorded(shown):
            st.html(frame.panel_title("Marked on the images", "numbered as on the film"))
            st.html(marks_table(found))
    facts: list[str | Markup] = [f"{len(shown.events)} events of this case"]
    if shown.machine:
        model = shown.machine.assessment.model
        facts.append(joined(["assessment ", tag("code", shown.digest[:DIGITS])]))
        facts.append(joined(["model ", model.name, " ", tag("code", model.digest[:DIGITS])]))
    frame.audit_strip(*facts)


def marks_table(found: Sequence[tuple[Marked, Sequence[Mark]]]) -> Markup:
    """Who marked what, in words."""
    rows = [
        tag(
            "tr",
            tag("td", one.reader),
            tag("td", f"{mark.image.replace('_', ' ')} {number}"),
            tag("td", marks.NAMES[mark.kind]),
            tag("td", marks.words(mark) or "–"),
        )
        for one, listed in found
        for number, mark in marks.numbered(listed)
    ]
    return table(("Reader", "Image", "Mark", ""), rows, "marked", "Marked on the images")


def contributions(assessment: Assessment, diagnosis: str) -> Markup:
    """For each input: the probability from it alone, and how it moves when it is left out."""
    suggestion = next(s for s in assessment.suggestions if s.diagnosis == diagnosis)
    if suggestion.withheld_because is not None:
        return tag("p", "Not shown, because this suggestion is withheld.", class_="empty")
    share = next((e.share for e in assessment.explanations if e.diagnosis == diagnosis), {})
    rows = [
        tag(
            "tr",
            tag("th", name.capitalize(), scope="row"),
            _probability(assessment.ledger.alone.get(name, {}).get(diagnosis)),
            _without(
                assessment.ledger.without.get(name, {}).get(diagnosis), suggestion.probability
            ),
            _probability(share.get(name), "share"),
        )
        for name in assessment.used
    ]
    rows.append(
        tag(
            "tr",
            tag("th", "All together", scope="row"),
            _probability(suggestion.probability, "hot"),
            tag("td"),
            tag("td"),
            class_="all",
        )
    )
    head = ("Input", "This alone", "All without this", "Share of the explanation")
    return table(head, rows, "contributions", "What each input contributes")


def _probability(value: float | None, kind: str = "") -> Markup:
    if value is None:
        return tag("td", "–", class_="amount")
    number = tag("span", phrasing.percent(value), class_="number")
    return tag("td", bar(value, kind), number, class_="amount")


def _without(value: float | None, whole: float) -> Markup:
    if value is None:
        return tag("td", "–", class_="amount")
    moved = tag("small", f" {phrasing.points(value - whole)}")
    number = tag("span", phrasing.percent(value), moved, class_="number")
    return tag("td", bar(value), number, class_="amount")
