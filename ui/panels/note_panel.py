"""Notes from one reader to the next: those that stand above the case, all of them below it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from clinical.review.comment import MAX_COMMENT
from clinical.review.note import Note
from ui.access import presence
from ui.panels import frame
from ui.panels.attempt import attempt
from ui.state import drafts, noting, state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, tag

BLIND = "While you read blind, you see no note by another reader: it may say what the others think."


def standing(shown: OpenCase) -> None:
    """The notes that nobody withdrew, where they are not overlooked; nothing without any."""
    lines = [_line(note) for note in noting.notes(shown) if not note.withdrawn]
    if lines:
        st.html(tag("div", *lines, class_="warnings handed-on", role="note"))


def render(shown: OpenCase) -> None:
    """All notes, and a field to leave one."""
    found = noting.notes(shown)
    with st.container(key="notes"):
        st.html(frame.panel_title("Notes to the next reader", "recorded, with your name"))
        if shown.withheld or shown.hidden:
            st.html(tag("p", BLIND, class_="quiet"))
        for note in found:
            _kept(shown, note)
        if presence.can("decide"):
            _field(shown)


def _kept(shown: OpenCase, note: Note) -> None:
    own = note.author == state.reader() and not note.withdrawn
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(_line(note), width="content")
        if own and presence.can("decide"):
            st.button(
                "Withdraw",
                key=f"withdraw-{note.sequence}",
                type="tertiary",
                on_click=attempt,
                args=(partial(noting.withdraw, shown, note.sequence),),
            )


def _line(note: Note) -> Markup:
    by = tag("b", f"{note.author}, {phrasing.utc(note.recorded)}")
    text = noting.text_of(note)
    if not note.withdrawn:
        return tag("p", by, tag("span", text), class_="handed")
    gone = tag("small", f" withdrawn {phrasing.utc(note.withdrawn)}")
    return tag("p", by, tag("s", text), gone, class_="handed withdrawn")


def _field(shown: OpenCase) -> None:
    key = f"note-{shown.case.case_id}"
    with st.form(f"note-form-{shown.case.case_id}", enter_to_submit=False, border=False):
        row = st.columns([6, 1], vertical_alignment="bottom")
        drafts.fill(drafts.NOTE, key)
        row[0].text_area("Note", max_chars=MAX_COMMENT, height=68, key=key)
        row[1].form_submit_button(
            "Leave note", key="leave-note", width="stretch", on_click=_leave, args=(shown, key)
        )


def _leave(shown: OpenCase, key: str) -> None:
    text = str(st.session_state.get(key) or "")
    attempt(partial(noting.leave, shown, text))
    if state.refused() is None:
        st.session_state[key] = ""
        drafts.sent(shown, drafts.NOTE, text)
