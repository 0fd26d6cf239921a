"""The reader's own differential, before the machine's is shown."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clinical import review
from clinical.assessment import Confidence
from clinical.review import Ranked
from clinical.review.first_read import MOST_RANKED
from ui import desk, wording
from ui.desk import OpenCase
from ui.markup import tag
from ui.pages.attempt import attempt
from ui.pages.decision_panel import CONFIDENCES, coded_options

EXPLAINED = (
    "The machine's suggestions are withheld until you commit a reading of your own. "
    "Both are kept, and which came first."
)


def render(shown: OpenCase) -> None:
    """Choose diagnoses in order, say how sure, commit."""
    options = {name: wording.named(name) for name in shown.diagnoses} | coded_options([])
    st.html(
        tag(
            "div",
            tag("h2", "Your first read"),
            tag("span", EXPLAINED, class_="detail"),
            class_="panel-title",
        )
    )
    chosen = st.multiselect(
        "Your differential, most likely first",
        list(options),
        format_func=lambda name: options.get(name, name),
        placeholder="Search by name, or type a code such as ICD-10:J18.9",
        max_selections=MOST_RANKED,
        accept_new_options=True,
        key=f"first-read-{shown.case.case_id}",
    )
    names = [name.strip() for name in chosen]
    sure = [_confidence(place, name, shown) for place, name in enumerate(names, start=1)]
    ranked = tuple(
        Ranked(name, confidence)
        for name, confidence in zip(names, sure, strict=True)
        if confidence is not None
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Commit first read",
            key="commit",
            type="primary",
            disabled=not names or len(ranked) < len(names),
        ):
            attempt(partial(desk.commit, desk.first_read(shown, ranked)))
        if st.button("Commit: no diagnosis", key="commit-none", disabled=bool(names)):
            attempt(partial(desk.commit, desk.first_read(shown, ())))
        if len(ranked) < len(names):
            words = "Say of each diagnosis how sure you are."
            st.html(tag("p", words, class_="quiet"), width="content")


def _confidence(place: int, name: str, shown: OpenCase) -> Confidence | None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        label = f"{place}. {wording.diagnosis(name)}"
        st.html(tag("p", tag("b", label), class_="standing"), width="content")
        return st.segmented_control(
            f"How sure of {wording.diagnosis(name)}",
            CONFIDENCES,
            format_func=str.capitalize,
            key=f"first-read-{shown.case.case_id}-{name}",
            label_visibility="collapsed",
        )


def differential(first_read: tuple[review.Ranked, ...]) -> str:
    """A committed first read in words."""
    if not first_read:
        return "No diagnosis"
    return "; ".join(
        f"{place}. {wording.diagnosis(item.diagnosis)} ({item.confidence})"
        for place, item in enumerate(first_read, start=1)
    )
