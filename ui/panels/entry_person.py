"""Who the case is about and when the decision is needed."""

from __future__ import annotations

import streamlit as st

from clinical.cohorts.entered import SAFE_REMEDY
from ui.panels import entry_messages, frame
from ui.state import entry_fields
from ui.state.added import Preview
from ui.state.adding import Draft

PERSON = ("patient_id", "sex", "age_years", "birth_date")
"""Columns of the table of cases that say whom it is about."""


def render(draft: Draft, shown: Preview, free: str) -> None:
    """The fields of the table of cases, each with its messages."""
    st.html(frame.panel_title("Patient and decision", "nothing later than the decision is used"))
    patient, sex, age, birth = st.columns([34, 22, 20, 24], gap="small")
    patient.text_input(
        "Patient id", key=entry_fields.PATIENT, max_chars=200, help="DICOM files carry the same."
    )
    sex.selectbox(
        "Sex",
        list(entry_fields.SEXES),
        format_func=entry_fields.SEXES.__getitem__,
        key=entry_fields.SEX,
    )
    age.text_input("Age", key=entry_fields.AGE, placeholder="61, 18 months", max_chars=30)
    birth.text_input(
        "or birth date",
        key=entry_fields.BIRTH,
        placeholder="1964-05-31",
        max_chars=30,
        disabled=bool(st.session_state.get(entry_fields.AGE)),
    )
    about = entry_messages.about(shown.problems, "cases", columns=PERSON)
    if not st.session_state.get(entry_fields.PATIENT):  # said beside the button that saves
        about = [problem for problem in about if problem.column != "patient_id"]
    entry_messages.show(about)
    decision, zone, case = st.columns([34, 32, 34], gap="small")
    decision.text_input(
        "Decision needed at",
        key=entry_fields.DECISION,
        placeholder="2024-05-31 14:30",
        max_chars=60,
    )
    zone.selectbox("Zone of times that name none", entry_fields.zones(), key=entry_fields.ZONE)
    case.text_input(
        "Case id",
        key=entry_fields.CASE_ID,
        placeholder=f"next free: {free}",
        max_chars=64,
        disabled=draft.corrects is not None,
        help=SAFE_REMEDY,
    )
    entry_messages.show(
        entry_messages.about(shown.problems, "cases", columns=("decision_time", "case_id", "")),
        "bad" if shown.case is None else "warn",
    )
