"""Below the panels: what each input contributes, decisions so far, and the audit strip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from clinical import review
from clinical.assessment import Assessment
from clinical.review import RecordedDecision
from ui import state, wording
from ui.markup import Markup, bar, chip, joined, table, tag
from ui.pages import frame
from ui.pages.suggestions_panel import DONE

DIGITS = 10  # of a digest, enough to compare by eye


def render(shown: state.Reading, diagnosis: str) -> None:
    """Contribution table, decision history and audit strip."""
    left, right = st.columns([44, 56], gap="small")
    with left:
        st.html(frame.panel_title("What each input contributes", wording.named(diagnosis)))
        st.html(contributions(shown.assessment, diagnosis))
    with right:
        recorded = review.history(shown.events)
        standing = {d.sequence for d in review.decisions(shown.events).values()}
        st.html(frame.panel_title("Decisions", f"{len(recorded)} recorded"))
        st.html(decision_table(recorded, standing, state.comment))
    model = shown.assessment.model
    frame.audit_strip(
        f"{len(shown.events)} events of this case",
        joined(["assessment ", tag("code", shown.digest[:DIGITS])]),
        joined(["model ", model.name, " ", tag("code", model.digest[:DIGITS])]),
    )


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


def decision_table(
    recorded: Sequence[RecordedDecision], standing: set[int], comment: Callable[[str], str]
) -> Markup:
    """Every decision, newest first; superseded ones stay visible."""
    if not recorded:
        return tag("p", "No decision has been recorded for this case.", class_="empty")
    rows = [_decision(d, d.sequence in standing, comment) for d in reversed(recorded)]
    head = ("Event", "Time (UTC)", "Reader", "Suggestion", "Decision", "Reason and comment")
    return table(head, rows, "decisions", "Decisions, newest first")


def _decision(decision: RecordedDecision, stands: bool, comment: Callable[[str], str]) -> Markup:
    instead = decision.replacement
    reason = review.REASONS.get(decision.reason, decision.reason)
    words = comment(decision.comment_digest)
    return tag(
        "tr",
        tag("td", decision.sequence, class_="number"),
        tag("td", f"{datetime.fromisoformat(decision.recorded):%Y-%m-%d %H:%M:%S}", class_="time"),
        tag("td", decision.reader),
        tag("td", wording.named(decision.diagnosis)),
        tag(
            "td",
            chip(DONE[decision.action], decision.action),
            f" to {wording.named(instead)}" if instead else "",
            "" if stands else tag("small", " superseded"),
        ),
        tag("td", reason, tag("div", words, class_="comment") if words else ""),
        class_=None if stands else "superseded",
    )


def _probability(value: float | None, kind: str = "") -> Markup:
    if value is None:
        return tag("td", "–", class_="amount")
    number = tag("span", wording.percent(value), class_="number")
    return tag("td", bar(value, kind), number, class_="amount")


def _without(value: float | None, whole: float) -> Markup:
    if value is None:
        return tag("td", "–", class_="amount")
    moved = tag("small", f" {wording.points(value - whole)}")
    number = tag("span", wording.percent(value), moved, class_="number")
    return tag("td", bar(value), number, class_="amount")
