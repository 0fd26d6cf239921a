"""Notes tell what was said and found; they never name the diagnosis that is there now."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pytest

from pipelines.laboratory.simulate import likelihoods, notes
from pipelines.laboratory.simulate.clinic import SimulatedPatient, draw_patient
from pipelines.laboratory.simulate.notes import Report

NAMES = {
    "bacterial_pneumonia": r"pneumonia|chest infection",
    "viral_pneumonia": r"pneumonia|chest infection",
    "heart_failure": r"heart failure|HFrEF|CHF",
    "pleural_effusion": r"effusion",
    "pneumothorax": r"pneumothora|collapsed lung",
    "copd_exacerbation": r"COPD|emphysema",
    "pulmonary_embolism": r"embol|\bPE\b",
}
REMAINS_OF = {
    "heart_failure": "chronic_heart_failure",
    "pneumothorax": "previous_pneumothorax",
    "copd_exacerbation": "copd",
    "pulmonary_embolism": "prior_thrombosis",
}


@lru_cache(maxsize=1)
def patients() -> tuple[SimulatedPatient, ...]:
    return tuple(draw_patient(21, number) for number in range(3000))


def sections(patient: SimulatedPatient, *names: str) -> Iterator[str]:
    return (note.text for note in patient.notes if note.section in names)


@pytest.mark.parametrize("pattern", sorted(set(NAMES.values())))
def test_the_present_illness_never_names_a_diagnosis(pattern: str) -> None:
    now = ("presenting_complaint", "history_of_presenting_illness", "examination")
    named = [
        p.case_id for p in patients() for text in sections(p, *now) if re.search(pattern, text)
    ]
    assert named == []


@pytest.mark.parametrize(("diagnosis", "pattern"), NAMES.items())
def test_the_past_names_only_what_is_past_or_denied(diagnosis: str, pattern: str) -> None:
    for patient in patients():
        for text in sections(patient, "past_history"):
            for phrase in re.split(r"[.,]", text):
                if re.search(pattern, phrase) and not re.search(r"\b(no|never)\b", phrase.lower()):
                    assert REMAINS_OF[diagnosis] in patient.person.background


@pytest.mark.parametrize("section", ["family_history", "plan"])
@pytest.mark.parametrize(("diagnosis", "pattern"), NAMES.items())
def test_family_and_differential_are_blind_to_the_truth(
    section: str, diagnosis: str, pattern: str
) -> None:
    named = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for patient in patients():
        ill = diagnosis in patient.diagnoses
        for text in sections(patient, section):
            total[ill] += 1
            named[ill] += bool(re.search(pattern, text))
    difference = named[True] / total[True] - named[False] / total[False]
    # Four standard errors of a difference of two shares near one quarter.
    assert abs(difference) < 4 * (0.25 * 0.75 * (1 / total[True] + 1 / total[False])) ** 0.5


def test_notes_deny_hedge_abbreviate_and_vary() -> None:
    texts = [" ".join(note.text for note in p.notes) for p in patients() if p.notes]
    assert len(set(texts)) == len(texts)
    for habit in (r"\b[Nn]o \w+", r"\bpossibly|patient thinks|pt thinks", r"\bSOB\b", r"\d+/7"):
        assert sum(bool(re.search(habit, text)) for text in texts) > 30
    assert not any(re.search(r"[{}]|None", text) for text in texts)


def test_the_complaint_names_only_what_the_report_tells() -> None:
    pain = re.compile("sharp chest pain|sharp CP|stabbing pain|on breathing in")
    for patient in patients():
        for text in sections(patient, "presenting_complaint"):
            if pain.search(text):
                assert patient.report is not None
                assert "pleuritic_pain" in patient.report.present


def test_a_note_says_its_report_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sign that is told has one of its phrases in the text; a sign left out has none."""
    monkeypatch.setattr(notes, "_mistyped", lambda rng, text: text)
    table, book = likelihoods.load(), notes.phrases()["signs"]
    empty = Report("female", 61, 3, "left", *[frozenset[str]()] * 4, None)
    for key, sign in table.signs.items():
        for told in ("present", "absent"):
            report = replace(empty, **{told: frozenset({key})})
            text = written(report)
            assert any(said(phrase, text) for phrase in book[key][told])
            section = "symptom" if sign.kind == "symptom" else "finding"
            others = [k for k, s in table.signs.items() if s.kind == section and k != key]
            unique = [
                phrase
                for k in others
                for phrase in book[k][told]
                if phrase not in " ".join(book[key][told])
            ]
            assert [phrase for phrase in unique if said(phrase, text)] == []


def written(report: Report) -> str:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    rows = notes.write_note(np.random.default_rng(1), report, likelihoods.load(), now, 0.0)
    names = ("history_of_presenting_illness", "examination")
    return " ".join(row.text for row in rows if row.section in names).lower()


def said(phrase: str, text: str) -> bool:
    pattern = re.escape(phrase.lower()).replace(r"\{side\}", "left").replace(r"\{days\}", ".+")
    return re.search(pattern, text) is not None


def test_the_report_is_what_the_law_says() -> None:
    table = likelihoods.load()
    told = [p for p in patients() if p.report]
    there = [(s in p.report.present, s in p.report.absent) for p in told for s in p.signs]
    free = [
        (s in p.report.present, s in p.report.absent)
        for p in told
        for s in set(table.signs) - p.signs
    ]
    assert np.mean(there, axis=0) == pytest.approx([notes.TOLD, 0], abs=0.01)
    assert np.mean(free, axis=0) == pytest.approx([notes.MISHEARD, notes.DENIED], abs=0.01)
    assert all(p.report.background <= p.person.background for p in told)
    assert not any(p.report.denied & p.person.background for p in told)


def test_equal_reports_and_hands_write_equal_notes() -> None:
    first = next(p for p in patients() if p.report)
    assert first.report is not None
    assert written(first.report) == written(replace(first.report))
