"""The reader's own differential, before the model's is shown."""

from __future__ import annotations

import streamlit as st

from clinical.case.assessment import Confidence
from clinical.errors import ReviewError
from clinical.review import progress
from clinical.review.first_read import MOST_RANKED
from clinical.review.progress import Ranked
from ui.panels import diagnosis_field
from ui.panels.attempt import attempt, tell
from ui.state import desk, drafts, state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import tag

EXPLAINED = (
    "The model's suggestions are withheld until you commit your own reading. "
    "Both are kept, and in which order they were made."
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
    _search(shown)
    names = _names(shown)
    with st.container(horizontal=True, gap="medium", key="ranks"):
        sure = [_confidence(place, name, shown) for place, name in enumerate(names, start=1)]
    settled = all(sure)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Commit first read",
            key="commit",
            type="primary",
            disabled=not names or not settled,
            on_click=_commit,
            args=(shown, True),
        )
        st.button(
            "Commit: no diagnosis",
            key="commit-none",
            disabled=bool(names),
            on_click=_commit,
            args=(shown, False),
        )
        if not settled:
            words = "State your confidence in each diagnosis."
            st.html(tag("p", words, class_="quiet"), width="content")
    tell()


def _commit(shown: OpenCase, some: bool) -> None:
    """Commit what is chosen; a button for "no diagnosis" refuses if something was meanwhile."""
    names = _names(shown)
    if bool(names) != some:
        state.refuse(ReviewError("Your differential changed.", remedy="review it, then commit."))
        return
    # Not what the run that drew the button knew: an answer may have come with the same click.
    sure = [st.session_state.get(_sure_key(shown, name), "") for name in names]
    ranked = tuple(Ranked(name, confidence) for name, confidence in zip(names, sure, strict=True))
    attempt(lambda: desk.commit(shown, desk.first_read(shown, ranked)))
    if state.refused() is None:
        drafts.sent(shown, drafts.CODE, str(st.session_state.get(_code_key(shown)) or ""))


def _search(shown: OpenCase) -> None:
    choices = diagnosis_field.options(shown.diagnoses)
    search, code = st.columns([5, 1.5], vertical_alignment="bottom")
    search.multiselect(
        "Your differential, most likely first",
        list(choices),
        format_func=choices.__getitem__,
        placeholder="Search by name",
        max_selections=MOST_RANKED,
        select_all=False,
        key=_key(shown),
    )
    drafts.fill(drafts.CODE, _code_key(shown))
    code.text_input(
        "Or a code, added last",
        placeholder=diagnosis_field.CODE_EXAMPLE,
        max_chars=60,
        key=_code_key(shown),
    )


def _names(shown: OpenCase) -> list[str]:
    """The differential in the order it was chosen; a typed code comes last."""
    typed = str(st.session_state.get(_code_key(shown)) or "").strip()
    chosen = list(st.session_state.get(_key(shown)) or ())
    return [*chosen, typed] if typed else chosen


def _key(shown: OpenCase) -> str:
    return f"first-read-{shown.case.case_id}"


def _code_key(shown: OpenCase) -> str:
    return f"first-read-code-{shown.case.case_id}"


def _sure_key(shown: OpenCase, name: str) -> str:
    return f"first-read-{shown.case.case_id}-{name}"


def _confidence(place: int, name: str, shown: OpenCase) -> Confidence | None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        spoken = phrasing.diagnosis(name)
        label = tag("p", tag("b", f"{place}. {spoken}"), class_="standing")
        st.html(label, width="content")
        return diagnosis_field.how_sure(f"Confidence in {spoken}", _sure_key(shown, name))


def differential(first_read: tuple[progress.Ranked, ...]) -> str:
    """A committed first read in words."""
    if not first_read:
        return "No diagnosis"
    return "; ".join(
        f"{place}. {phrasing.diagnosis(item.diagnosis)} ({item.confidence})"
        for place, item in enumerate(first_read, start=1)
    )
