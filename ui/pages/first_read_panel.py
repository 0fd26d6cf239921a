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
from ui.pages import diagnosis_field
from ui.pages.attempt import attempt

EXPLAINED = (
    "The machine's suggestions are withheld until you commit a reading of your own. "
    "Both are kept, and which came first."
)


def render(shown: OpenCase) -> None:
    """Choose diagnoses in order, say how sure, commit."""
    st.html(
        tag(
            "div",
            tag("h2", "Your first read"),
            tag("span", EXPLAINED, class_="detail"),
            class_="panel-title",
        )
    )
    names = _names(shown)
    with st.container(horizontal=True, gap="medium", key="ranks"):
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


def _names(shown: OpenCase) -> list[str]:
    """The differential in the order it was chosen; a typed code comes last."""
    choices = diagnosis_field.options(shown.diagnoses)
    search, code = st.columns([5, 1.5], vertical_alignment="bottom")
    chosen = search.multiselect(
        "Your differential, most likely first",
        list(choices),
        format_func=choices.__getitem__,
        placeholder="Search by name",
        max_selections=MOST_RANKED,
        select_all=False,
        key=f"first-read-{shown.case.case_id}",
    )
    typed = code.text_input(
        "And a code, last",
        placeholder=diagnosis_field.CODE_EXAMPLE,
        max_chars=60,
        key=f"first-read-code-{shown.case.case_id}",
    )
    return [*chosen, typed.strip()] if typed.strip() else list(chosen)


def _confidence(place: int, name: str, shown: OpenCase) -> Confidence | None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        spoken = wording.diagnosis(name)
        label = tag("p", tag("b", f"{place}. {spoken}"), class_="standing")
        st.html(label, width="content")
        return diagnosis_field.how_sure(
            f"How sure of {spoken}", f"first-read-{shown.case.case_id}-{name}"
        )


def differential(first_read: tuple[review.Ranked, ...]) -> str:
    """A committed first read in words."""
    if not first_read:
        return "No diagnosis"
    return "; ".join(
        f"{place}. {wording.diagnosis(item.diagnosis)} ({item.confidence})"
        for place, item in enumerate(first_read, start=1)
    )
