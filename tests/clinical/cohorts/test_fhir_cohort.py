"""FHIR in a folder: stays, what was known of them in time, and patients where there are none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import fhir_layout
import pytest
from cohort_contract import CohortContract, Labels

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Events, Measurements, Texts
from clinical.cohorts import fhir, fhir_files
from clinical.cohorts.cohort import Source


@pytest.fixture
def root(lay_out: Callable[[str], Path]) -> Path:
    return lay_out("fhir")


class TestFhir(CohortContract):
    @pytest.fixture
    def reader(self) -> Source:
        source: Source = fhir
        return source

    @pytest.fixture
    def root(self, lay_out: Callable[[str], Path]) -> Path:
        return lay_out("fhir")

    @pytest.fixture
    def table(self) -> str:
        return "Encounter.ndjson"

    @pytest.fixture
    def labels(self) -> Labels:
        return Labels("Encounter.ndjson", {'"exp"': '"home"'})

    def test_a_row_with_a_comma_too_many_is_skipped_with_its_place(
        self, reader: Source, root: Path, table: str
    ) -> None:
        """A line that is no JSON says of no case: it is a problem of its file."""
        path = root / table
        path.write_text(path.read_text(encoding="utf-8") + ",,", encoding="utf-8")
        problem, *others = reader.read(root)
        assert isinstance(problem, Problem)
        assert (problem.file, problem.row) == (table, 3)
        assert len(others) == len(reader.index(root)) == 2


def case(root: Path, case_id: str = "e1") -> Case:
    (found,) = fhir.read(root, {case_id})
    assert isinstance(found, Case)
    return found


def test_a_stay_knows_what_was_told_up_to_its_decision(root: Path) -> None:
    found = case(root)
    assert str(found.decision_time) == "2024-03-02 10:00:00+00:00"
    measured, history, notes = (found.inputs[name] for name in ("measurements", "history", "notes"))
    assert isinstance(measured, Measurements)
    assert isinstance(history, Events)
    assert isinstance(notes, Texts)
    assert [(m.code, m.value, m.unit, m.bound) for m in measured.items] == [
        ("2160-0", 1.3, "mg/dL", ""),
        ("1988-5", 5.0, "mg/L", "<"),
    ]
    assert [item.code for item in history.items] == ["J44.9"]
    assert (history.sex, history.age_years) == ("female", 73.75)
    assert [(text.section, text.text) for text in notes.items] == [
        ("Admission note", "Cough and fever.")
    ]


def test_what_is_left_out_is_named_by_file_and_line(root: Path) -> None:
    reported = {(p.file, p.row): p.reason for p in case(root).problems}
    assert reported["Observation.ndjson", 3] == fhir.TOLD_LATER
    assert "after the decision" in reported["Observation.ndjson", 4]
    assert reported["Observation.ndjson", 5] == fhir.CANCELLED
    assert reported["Condition.ndjson", 2] == fhir.UNDATED
    assert reported["Condition.ndjson", 3] == fhir.TOLD_LATER


def test_a_stay_of_less_than_a_day_is_skipped_and_its_outcome_is_unknown(root: Path) -> None:
    (skipped,) = fhir.read(root, {"e2"})
    assert isinstance(skipped, SkippedCase)
    assert (skipped.problem.file, skipped.problem.row) == ("Encounter.ndjson", 2)
    assert [(o.case_id, o.value) for o in fhir.outcomes(root)] == [
        ("e1", True),
        ("e2", None),
        ("e3", False),
    ]


def test_bundles_and_packed_files_say_the_same(root: Path, tmp_path: Path) -> None:
    before = case(root).inputs
    entries = [{"resource": one} for one in fhir_layout.FILES["Observation.ndjson"]]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (root / "Observation.ndjson").unlink()
    (root / "labs.json").write_text(json.dumps(bundle, indent=2), encoding="utf-8")
    conditions = root / "Condition.ndjson"
    (root / "Condition.ndjson.gz").write_bytes(gzip.compress(conditions.read_bytes()))
    conditions.unlink()
    after = case(root)
    assert after.inputs == before
    assert ("labs.json", 4) in {(p.file, p.row) for p in after.problems}


def test_lots_of_lines_do_not_change_what_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = case(root)
    monkeypatch.setattr(fhir_files, "LINES", 2)
    after = case(root)
    assert after.inputs == before.inputs
    assert after.problems == before.problems


def test_without_stays_a_patient_is_a_case_with_all_that_is_told(root: Path) -> None:
    (root / "Encounter.ndjson").unlink()
    assert [entry.case_id for entry in fhir.index(root)] == ["p1", "p2"]
    found = case(root, "p1")
    assert str(found.decision_time) == "2024-03-09 10:00:00+00:00"
    history = found.inputs["history"]
    assert isinstance(history, Events)
    assert [item.code for item in history.items] == ["J44.9", "J18.9", "I50.9"]
    assert fhir.describe(root).diagnoses == ()
    assert list(fhir.outcomes(root)) == []


@pytest.mark.real_data
def test_the_examples_of_us_core_are_read(shared_data: Path) -> None:
    found = list(fhir.read(shared_data / "fhir_us_core"))
    assert len([one for one in found if isinstance(one, Problem)]) == 15
    example = next(o for o in found if isinstance(o, Case) and o.case_id == "example")
    assert {name: len(value.items) for name, value in example.inputs.items()} == {
        "measurements": 120,
        "history": 12,
        "notes": 2,
    }
