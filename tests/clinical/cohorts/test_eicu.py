"""eICU: minutes from admission, two columns for one result, menus for notes, what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Events, Measurement, Measurements, Texts
from clinical.cohorts import eicu

LayOut = Callable[[str], Path]


@pytest.fixture
def root(lay_out: LayOut) -> Path:
    return lay_out("eicu")


def case(root: Path, case_id: str = "11") -> Case:
    (found,) = eicu.read(root, {case_id})
    assert isinstance(found, Case)
    return found


def measured(found: Case) -> dict[str, Measurement]:
    shape = found.inputs["measurements"]
    assert isinstance(shape, Measurements)
    return {f"{m.code} {m.raw_value}": m for m in shape.items}


def problems(found: Case, file: str) -> list[tuple[int | None, str, str]]:
    return [(p.row, p.column, p.reason) for p in found.problems if p.file == file]


def test_a_bound_is_taken_from_the_text_that_still_has_its_sign(root: Path) -> None:
    troponin = measured(case(root))["10839-9 <0.02"]
    assert (troponin.value, troponin.bound, troponin.unit) == (0.02, "<", "ng/mL")


def test_a_result_that_says_two_things_is_not_used(root: Path) -> None:
    """4.8 mg/dL and 1.20 mmol/L of ionised calcium are one value; 1.18 of both are not."""
    found = case(root)
    assert measured(found)["1994-3 4.8"].value == pytest.approx(1.1977, abs=1e-4)
    assert "1994-3 1.18" not in measured(found)
    reported = problems(found, "lab.csv")
    assert (5, "labresult") in [(row, column) for row, column, _ in reported]


def test_nothing_later_than_24_hours_after_admission_is_used(root: Path) -> None:
    """A result of minute 1400 that was revised in minute 1500 was another one at the decision."""
    found = case(root)
    assert "2823-3 4.1" not in measured(found)
    assert "2951-2 131" not in measured(found)
    reported = {row: (column, reason) for row, column, reason in problems(found, "lab.csv")}
    assert reported[6][0] == "labresultrevisedoffset"
    assert "revised after the decision" in reported[6][1]
    assert reported[7][0] == "labresultoffset"
    assert problems(found, "vitalAperiodic.csv") == [
        (
            3,
            "observationoffset",
            "the time is after the decision; nothing later than the decision is used. So it is for"
            " 2 more rows of the case.",
        )
    ]


def test_minus_one_of_the_apache_tables_is_no_value(root: Path) -> None:
    values = measured(case(root))
    assert values["8310-5 38.6"].value == 38.6
    assert values["9269-2 14"].value == 14
    assert not [m for m in values.values() if m.raw_value == "-1"]
    assert set(case(root, "13").inputs) == {"measurements", "history"}


def test_history_is_what_was_entered_up_to_the_decision_once(root: Path) -> None:
    history = case(root).inputs["history"]
    assert isinstance(history, Events)
    assert (history.age_years, history.sex) == (90, "male")
    told = {item.code: item.present for item in history.items}
    assert told == {
        "eicu:vent": True,
        "eicu:intubated": False,
        "eicu:dialysis": False,
        "eicu:diabetes": True,
        "eicu:cirrhosis": False,
        "eicu:Pulmonary/Asthma/asthma": True,
    }


def test_notes_are_findings_and_never_plans(root: Path) -> None:
    notes = case(root).inputs["notes"]
    assert isinstance(notes, Texts)
    assert [(text.section, text.text) for text in notes.items] == [
        ("examination", "Pulmonary, Auscultation, Rhonchi, scattered rhonchi"),
        ("review of systems", "Pulmonary, Cough, cough"),
    ]


def test_a_stay_that_ended_before_the_decision_is_skipped(root: Path) -> None:
    (skipped,) = eicu.read(root, {"12"})
    assert isinstance(skipped, SkippedCase)
    assert (skipped.problem.row, skipped.problem.column) == (3, "unitdischargeoffset")


def test_labels_are_unknown_where_the_set_does_not_say(root: Path) -> None:
    """12 had left before the decision; of 13 a pneumonia was charted under another diagnosis."""
    assert [(o.case_id, o.diagnosis, o.value) for o in eicu.outcomes(root)] == [
        ("11", "pneumonia", True),
        ("11", "hospital_death", True),
        ("12", "pneumonia", False),
        ("12", "hospital_death", None),
        ("13", "pneumonia", None),
        ("13", "hospital_death", False),
    ]


def test_a_table_that_is_not_there_leaves_the_others(root: Path) -> None:
    (root / "lab.csv").unlink()
    assert "8310-5 38.6" in measured(case(root))


def test_a_table_without_a_column_is_one_message(root: Path) -> None:
    (root / "lab.csv").write_text("patientunitstayid,labname\n11,BUN\n", encoding="utf-8")
    problem, *_ = eicu.read(root, {"11"})
    assert isinstance(problem, Problem)
    assert (problem.file, problem.column) == ("lab.csv", "labresult")


@pytest.mark.real_data
def test_every_stay_of_the_demo_is_read_or_skipped(shared_data: Path) -> None:
    root = shared_data / "eicu_demo"
    index = eicu.index(root)
    chosen = {entry.case_id for entry in index[::30]}
    readings = list(eicu.read(root, chosen))
    assert Counter(type(reading).__name__ for reading in readings) == {
        "Case": 25,
        "SkippedCase": 25,
    }
    counts = Counter((outcome.diagnosis, outcome.value) for outcome in eicu.outcomes(root))
    assert counts == {
        ("pneumonia", True): 133,
        ("pneumonia", False): 1114,
        ("pneumonia", None): 248,
        ("hospital_death", True): 94,
        ("hospital_death", False): 1211,
        ("hospital_death", None): 190,
    }
    assert (len(index), len({entry.site for entry in index})) == (1495, 110)
