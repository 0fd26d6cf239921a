"""OMOP: concepts for codes and units, days for times, and what a visit may know of itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Events, Measurements, Texts
from clinical.cohorts import omop


@pytest.fixture
def root(lay_out: Callable[[str], Path]) -> Path:
    return lay_out("omop")


def case(root: Path, case_id: str = "1") -> Case:
    (found,) = omop.read(root, {case_id})
    assert isinstance(found, Case)
    return found


def test_a_value_is_what_its_concepts_say_and_else_the_words_of_the_source(root: Path) -> None:
    measured = case(root).inputs["measurements"]
    assert isinstance(measured, Measurements)
    assert [(m.code, m.value, m.unit, m.bound) for m in measured.items] == [
        ("2160-0", 1.3, "mg/dL", ""),
        ("1988-5", 5.0, "mg/L", "<"),
        ("2160-0", 1.1, "mg/dL", ""),
    ]


def test_a_value_of_the_day_of_the_decision_without_an_hour_may_be_later(root: Path) -> None:
    reported = {p.row: p.reason for p in case(root).problems if p.file == "measurement.csv"}
    assert reported[4] == omop.SAME_DAY
    assert "after the decision" in reported[6]


def test_what_was_coded_for_the_visit_is_no_input(root: Path) -> None:
    history = case(root).inputs["history"]
    assert isinstance(history, Events)
    assert [(item.code, item.display) for item in history.items] == [("J44.9", "COPD, unspecified")]
    assert (history.sex, history.age_years) == ("female", 69.75)
    notes = case(root).inputs["notes"]
    assert isinstance(notes, Texts)
    assert [text.section for text in notes.items] == ["Admission note"]


def test_only_visits_to_a_hospital_that_lasted_a_day_are_cases(root: Path) -> None:
    assert [(e.case_id, e.site) for e in omop.index(root)] == [
        ("1", "North"),
        ("3", "North"),
        ("4", ""),
    ]
    (skipped,) = omop.read(root, {"3"})
    assert isinstance(skipped, SkippedCase)
    assert [(o.case_id, o.value) for o in omop.outcomes(root)] == [
        ("1", True),
        ("3", None),
        ("4", False),
    ]


def test_without_the_vocabulary_the_words_of_the_source_decide(root: Path) -> None:
    (root / "concept.csv").unlink()
    problem, found = omop.read(root, {"1"})
    assert isinstance(problem, Problem)
    assert problem.file == "concept.csv"
    assert isinstance(found, Case)
    measured = found.inputs["measurements"]
    assert isinstance(measured, Measurements)
    assert [(m.code, m.value) for m in measured.items] == [
        ("2160-0", 1.3),
        ("1988-5", 5.0),
        ("2160-0", 1.1),
    ]
