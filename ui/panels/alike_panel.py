"""Similar cases beside the open one: closed until asked for, and never before a blind read."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clinical.assess.alike import Measured
from clinical.case import withheld
from clinical.errors import ModelError
from ui.panels import frame, picklist
from ui.state import alike, state
from ui.state.alike import Alike
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, joined, table, tag

HEAD = ("Case", "Suggested for it", "Found by readers", "Both have")
HOW = (
    "Compared is what the model makes of the cases; cases of this patient are left out. That two"
    " cases are alike to the model is no evidence for a diagnosis."
)
NOTHING = "No other patient's case that this model assessed can be shown."
WITHOUT = (
    "The model's output on this case is withheld, so the model compares nothing. Compared is what"
    " was recorded: abnormal values and history that both cases have; what few have counts for"
    " more. How good this search is has not been measured."
)
NOTHING_SHARED = (
    "No case of another patient has an abnormal value or an item of history in common with this"
    " one, or this case has none."
)
MOST_SHARED = 6


def render(shown: OpenCase) -> None:
    """A switch, and up to five cases once it is on; nothing while the model's output waits."""
    if shown.machine is None:
        return
    case_id = shown.case.case_id
    with st.container(key="similar"):
        st.html(frame.panel_title("Similar cases", "of other patients in this workspace"))
        if not st.toggle("Look for similar cases", key=f"similar-{case_id}"):
            return
        if withheld.whole(shown.machine.assessment):
            _sharing(shown.machine)
        else:
            _nearest(shown.machine)


def _nearest(shown: state.Reading) -> None:
    with st.spinner("Comparing with the other cases"):
        found = alike.nearest(shown)
    try:
        st.html(tag("p", f"{HOW} {quality(alike.measured(shown.assessment))}", class_="quiet"))
    except ModelError as error:
        frame.refusal(error)
    _show(shown, found, NOTHING)


def _sharing(shown: state.Reading) -> None:
    """Where the model says nothing of the case, it cannot compare it either."""
    with st.spinner("Comparing with the other cases"):
        found = alike.sharing(shown)
    st.html(tag("p", WITHOUT, class_="quiet"))
    _show(shown, found, NOTHING_SHARED)


def _show(shown: state.Reading, found: Sequence[Alike], nothing: str) -> None:
    if not found:
        st.html(tag("p", nothing, class_="empty"))
        return
    subject = shown.assessment.case_id
    picklist.show(rows(found), key="similar-cases", subject=subject, on_pick=state.open_case)


def quality(measured: Measured | None) -> str:
    """How good the search is, in a sentence."""
    if measured is None:
        return "How good this search is has not been measured for this model."
    space = "" if measured.space is None else f", by the shared space {measured.space:.1f}"
    return (
        f"Measured on {measured.patients} unseen patients ({measured.cohort}): of the first"
        f" {measured.first} cases, {measured.share:.1f} have the same true diagnoses on average"
        f" (95% interval {measured.low:.1f} to {measured.high:.1f}); drawn blindly it is"
        f" {measured.chance:.1f}{space}."
    )


def rows(found: Sequence[Alike]) -> Markup:
    """The cases as a table, nearest first; each row answers a click and Enter with its case."""
    return table(
        HEAD,
        (_row(one, first=one is found[0]) for one in found),
        "worklist similar",
        "Similar cases, nearest first",
    )


def _row(one: Alike, *, first: bool) -> Markup:
    entry = one.row.entry
    suggested = ", ".join(map(phrasing.named, one.suggested)) or "nothing"
    held = joined(
        tag("p", tag("b", name), " ", ", ".join(map(phrasing.diagnosis, names)) or "no diagnosis")
        for name, names in one.held
    )
    more = len(one.shares) - MOST_SHARED
    shares = ", ".join(one.shares[:MOST_SHARED]) + (f", and {more} more" if more > 0 else "")
    return tag(
        "tr",
        tag("td", tag("b", entry.case_id), class_="case"),
        tag("td", suggested),
        tag("td", held or "not signed yet"),
        tag("td", shares or "–"),
        data_pick=entry.case_id,
        tabindex=0 if first else -1,
    )
