"""History by coded search, and the note by section."""

from __future__ import annotations

import streamlit as st

from clinical.case.case import Problem
from clinical.cohorts.entered import row_of
from clinical.terms import codes, diagnoses
from ui.panels import entry_messages, frame
from ui.state import entry_fields
from ui.state.added import Preview
from ui.words import phrasing

SINCE_BESIDE = 4  # fields in a row


def render(shown: Preview) -> None:
    """The fields, each with its messages."""
    st.html(frame.panel_title("History", "search by name or ICD-10; any other code may be typed"))
    listed = entry_fields.conditions()
    has, denied = st.columns(2, gap="small")
    for place, label, key in (
        (has, "Known to have", entry_fields.HISTORY),
        (denied, "Known not to have", entry_fields.DENIED),
    ):
        chosen = [str(code) for code in st.session_state.get(key) or ()]
        place.multiselect(
            label,
            list(dict.fromkeys([*listed, *chosen])),
            format_func=lambda code: listed.get(code, code),
            placeholder="Asthma, J45.9, ATC code …",
            accept_new_options=True,
            filter_mode="contains",
            select_all=False,  # one Enter too many would give a patient every match
            wrap=True,
            key=key,
        )
    present = [str(code) for code in st.session_state.get(entry_fields.HISTORY) or ()]
    with st.container():
        _since(present)
    _history_messages(present, shown)
    st.html(frame.panel_title("Note", "by section; leave out what nobody wrote"))
    places = st.columns(2, gap="small")
    for number, (section, label) in enumerate(entry_fields.SECTIONS.items()):
        places[number % 2].text_area(label, key=entry_fields.note_key(section), height=72)
    st.text_input(
        "Time of the note",
        key=entry_fields.NOTES_TIME,
        placeholder="2024-05-31 08:15",
        max_chars=60,
        width=260,
    )
    notes = {problem.reason: problem for problem in entry_messages.about(shown.problems, "notes")}
    entry_messages.show(list(notes.values()))


def _since(present: list[str]) -> None:
    for start in range(0, len(present), SINCE_BESIDE):
        row = present[start : start + SINCE_BESIDE]
        for code, place in zip(row, st.columns(SINCE_BESIDE, gap="small"), strict=False):
            label = f"{entry_fields.conditions().get(code, code).partition(' · ')[0]} since"
            key = entry_fields.since_key(code)
            st.session_state.setdefault(key, "")
            place.text_input(label, key=key, placeholder="2019 or 2019-03", max_chars=40)


def _history_messages(present: list[str], shown: Preview) -> None:
    denied = [str(code) for code in st.session_state.get(entry_fields.DENIED) or ()]
    pairs = []
    for place, written in enumerate([*present, *denied]):
        told = [p for p in shown.problems if p.file == "history.csv" and p.row == row_of(place)]
        code = entry_fields.coded(written)
        pairs += [_named(written, problem) for problem in told]
        if not told and code not in entry_fields.conditions() and not _looks_coded(code):
            meant = "; ".join(diagnoses.searched(written)[:3])
            words = "is no code and in no list; it is kept as these words, which no model reads."
            asked = f"Is one of these meant? {meant}" if meant else ""
            pairs.append((f"“{written}” {words}", asked))
    entry_messages.put(entry_messages.lines(pairs, "warn") if pairs else None)


def _looks_coded(code: str) -> bool:
    return any(letter.isdigit() for letter in code) or ":" in code


def _named(code: str, problem: Problem) -> tuple[str, str]:
    reason, remedy = entry_messages.said(problem)
    if problem.remedy == codes.SYSTEM_REMEDY:
        remedy = "Write the system before it, such as ICD-10:J18.9 or ATC:N02BE01."
    return f"“{code}”: {phrasing.sentence(reason)}", remedy
