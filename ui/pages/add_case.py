"""Add a case, or correct one: files, values, history and note, read as every cohort is read.

Everything that the readers of files and tables say stands beside the field it is about before
anything is saved. What is saved is assessed in a process beside the page.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from clinical.review import intake
from ui.panels import (
    added_panel,
    entry_files,
    entry_labs,
    entry_person,
    entry_preview,
    entry_story,
    frame,
)
from ui.panels.attempt import attempt
from ui.state import added, adding, address, entry_fields, state
from ui.state.adding import Draft
from ui.words.markup import tag

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

CORRECT = "do-correct"


def render(case_page: Page) -> None:
    """Show the form; opening a case that was added goes to `case_page`."""
    if state.requested():
        st.switch_page(case_page, query_params=address.wanted())
    draft = adding.current()
    title = f"Correct {draft.corrects}" if draft.corrects else "Add a case"
    with frame.masthead(title, "Saved under your name; a correction is a new version"):
        _correct(draft)
    with st.container():
        added_panel.render()
    zone = str(st.context.timezone or "UTC")
    adding.fill(draft, entry_fields.defaults(datetime.now(UTC), zone))
    adding.fill(draft, entry_fields.file_defaults(draft.files))
    adding.fill(draft, {key: v for key, v in draft.fields.items() if key not in st.session_state})
    shown = added.preview(draft)
    with state.engine().connect() as connection:
        free = intake.next_free(connection)
    form, beside = st.columns([66, 34], gap="medium")
    # Each part in a place of its own: what comes or goes in one moves nothing in the next.
    with form.container():
        entry_person.render(draft, shown, free)
    with form.container():
        entry_files.render(draft, shown)
    with form.container():
        entry_labs.render(shown)
    with form.container():
        entry_story.render(shown)
    with beside, st.container(key="entry-preview"):
        entry_preview.render(draft, shown)
    st.html(tag("span", data_entry=draft.name, hidden=True), width="content")
    adding.keep(draft, [key for key in map(str, st.session_state) if key.startswith("add-")])


def _correct(draft: Draft) -> None:
    # Another name once a correction is begun, so that it does not stay open over the form.
    with st.popover("Correct a case", key=f"correct-{draft.name}"):
        names = [row.entry.case_id for row in state.rows()]
        st.selectbox("Case", names, index=None, placeholder="Choose a case", key=CORRECT)
        st.button("Correct it", key="do-begin-correction", on_click=_begin, args=(draft,))
        words = "What is entered here now is dropped. The version before stays in the record."
        st.html(tag("p", words, class_="quiet"))


def _begin(draft: Draft) -> None:
    if case_id := st.session_state.get(CORRECT):
        attempt(lambda: added.correct(draft, str(case_id)))
