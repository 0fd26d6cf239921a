"""MEDS: events by subject and time, and a case for each label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import relational_layouts
from cohort_contract import CohortContract, Labels

from clinical.case.case import Case, Problem
from clinical.case.shapes import Events, Measurements, Texts
from clinical.cohorts import meds
from clinical.cohorts.cohort import Source
from clinical.errors import CohortError

FIRST = "1-20240301T120000"


class TestMeds(CohortContract):
    @pytest.fixture
    def reader(self) -> Source:
        source: Source = meds
        return source

    @pytest.fixture
    def root(self, lay_out: Callable[[str], Path]) -> Path:
        return lay_out("meds")

    @pytest.fixture
    def table(self) -> str:
        return "data"

    @pytest.fixture
    def labels(self) -> Labels:
        return Labels("labels/pneumonia.parquet", {})

    def relabel(self, root: Path, labels: Labels) -> None:
        del labels
        other = [(who, when, not yes) for who, when, yes in relational_layouts.MEDS_LABELS]
        relational_layouts.write_meds_labels(root, other)

    def test_a_row_with_a_comma_too_many_is_skipped_with_its_place(
        self, reader: Source, root: Path, table: str
    ) -> None:
        """Parquet has no such rows; one that cannot be a case has no prediction time."""
        del table
        relational_layouts.write_meds_labels(
            root, [*relational_layouts.MEDS_LABELS, (2, None, True)]
        )
        problem, *others = reader.read(root)
        assert isinstance(problem, Problem)
        assert (problem.row, problem.column) == (5, "prediction_time")
        assert len(others) == len(reader.index(root)) == 3


def case(root: Path, case_id: str) -> Case:
    (found,) = meds.read(root, {case_id})
    assert isinstance(found, Case)
    return found


def test_events_become_the_inputs_that_their_codes_and_values_say(
    lay_out: Callable[[str], Path],
) -> None:
    found = case(lay_out("meds"), FIRST)
    measured = found.inputs["measurements"]
    assert isinstance(measured, Measurements)
    assert [(m.code, m.value, m.unit, m.bound) for m in measured.items] == [
        ("2160-0", 1.3, "mg/dL", ""),
        ("1988-5", 5.0, "mg/L", "<"),
    ]
    history = found.inputs["history"]
    assert isinstance(history, Events)
    assert [item.code for item in history.items] == ["J44.9"]
    assert (history.sex, history.age_years) == ("female", 63.83)
    notes = found.inputs["notes"]
    assert isinstance(notes, Texts)
    assert [(text.section, text.text) for text in notes.items] == [("indication", "Cough, fever.")]
    assert found.inputs["image"].arrays[0].source["ViewPosition"] == "PA"


def test_what_is_later_than_the_prediction_is_left_out_and_said(
    lay_out: Callable[[str], Path],
) -> None:
    root = lay_out("meds")
    assert [p.row for p in case(root, FIRST).problems if "after the decision" in p.reason] == [9]
    year_before = case(root, "1-20230301T120000")
    assert set(year_before.inputs) == {"history"}


def test_a_value_without_a_unit_is_kept_and_not_used_and_other_codes_keep_their_name(
    lay_out: Callable[[str], Path],
) -> None:
    found = case(lay_out("meds"), "2-20240401T120000")
    history = found.inputs["history"]
    assert isinstance(history, Events)
    assert [item.code for item in history.items] == ["meds:PROCEDURE//local//x"]
    assert [(p.file, p.column) for p in found.problems] == [("data/train/2.parquet", "unit")]


def test_two_labels_for_one_moment_are_an_error(lay_out: Callable[[str], Path]) -> None:
    root = lay_out("meds")
    contradicting = [*relational_layouts.MEDS_LABELS, (2, "2024-04-01T12:00:00", True)]
    relational_layouts.write_meds_labels(root, contradicting)
    with pytest.raises(CohortError, match=r"labels/pneumonia\.parquet, row 5"):
        list(meds.outcomes(root))


def test_without_labels_nothing_says_what_a_case_is(lay_out: Callable[[str], Path]) -> None:
    root = lay_out("meds")
    (root / "labels/pneumonia.parquet").unlink()
    with pytest.raises(CohortError, match="labels") as caught:
        meds.index(root)
    assert "prediction_time" in caught.value.remedy


def test_splits_are_those_of_the_set(lay_out: Callable[[str], Path]) -> None:
    assert [entry.split for entry in meds.index(lay_out("meds"))] == ["train", "train", ""]
