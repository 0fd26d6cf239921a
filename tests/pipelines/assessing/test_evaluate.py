"""Assessments joined with outcomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinic_of_two import write_cohort

from clinical.cohorts.sources import source
from clinical.errors import CohortError
from clinical.model import model as models
from clinical.model.model import Model
from pipelines.assessing.batch import Run, assess_cohort
from pipelines.assessing.evaluate import ALL, evaluate, to_json


def test_the_planted_truth_gives_the_expected_table(model_of_two: Model, tmp_path: Path) -> None:
    models.save(model_of_two, tmp_path / "model")
    cohort = write_cohort(tmp_path / "cohort", cases=80)
    assess_cohort(Run(cohort, "folder", tmp_path / "model", tmp_path / "out"))
    found = evaluate(tmp_path / "out", source("folder"), cohort, samples=200)
    area = {(r.diagnosis, r.inputs): r.auroc for r in found.results}
    assert (area["inflammation", "measurements"].value or 0) > 0.95
    assert (area["inflammation", ALL].value or 0) > 0.95
    notes = area["inflammation", "notes"]
    assert notes.value == pytest.approx(0.5, abs=0.01)  # every note is the same
    assert {gain.diagnosis: gain.best_single for gain in found.gains} == {
        "inflammation": "measurements",
        "failure": "history",
    }
    assert (found.cases, found.patients) == (80, 40)
    json.dumps(to_json(found))


def test_the_outcomes_of_another_cohort_are_refused(model_of_two: Model, tmp_path: Path) -> None:
    models.save(model_of_two, tmp_path / "model")
    cohort = write_cohort(tmp_path / "cohort")
    assess_cohort(Run(cohort, "folder", tmp_path / "model", tmp_path / "out"))
    (cohort / "outcomes.csv").write_text("case_id,diagnosis,value\n")
    with pytest.raises(CohortError, match="No assessed case has a known outcome"):
        evaluate(tmp_path / "out", source("folder"), cohort)


def test_a_folder_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match=r"holds no assessments\.jsonl"):
        evaluate(tmp_path, source("folder"), tmp_path)
