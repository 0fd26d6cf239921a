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
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone
from pipelines.study.judged_assessments import evaluate, to_json
from pipelines.study.run_study import run_study

pytestmark = pytest.mark.long


def test_the_planted_truth_gives_the_expected_table(model_of_two: Model, tmp_path: Path) -> None:
    models.save(model_of_two, tmp_path / "model")
    cohort = write_cohort(tmp_path / "cohort", cases=80)
    assess_cohort(Run(cohort, "folder", tmp_path / "model", tmp_path / "out"))
    found = evaluate(tmp_path / "out", source("folder"), cohort, samples=200)
    area = found.figures.auroc
    assert (area[alone("measurements")]["inflammation"].value or 0) > 0.95
    assert (area[OURS]["inflammation"].value or 0) > 0.95
    notes = area[alone("notes")]["inflammation"]
    assert notes.value == pytest.approx(0.5, abs=0.01)  # every note is the same
    assert (found.figures.cases, found.figures.patients) == (80, 40)
    assert list(found.inputs) == ["history", "measurements", "notes"]
    assert 0 <= found.flagged <= 1
    json.dumps(to_json(found), allow_nan=False)


def test_a_study_of_the_checkpoint_gives_the_same_numbers(
    model_of_two: Model, tmp_path: Path
) -> None:
    models.save(model_of_two, tmp_path / "model")
    cohort = write_cohort(tmp_path / "cohort", cases=80)
    assess_cohort(Run(cohort, "folder", tmp_path / "model", tmp_path / "out"))
    figures = to_json(evaluate(tmp_path / "out", source("folder"), cohort, samples=100))
    (tmp_path / "study.toml").write_text(
        'name = "evaluation"\ncheckpoint = "model"\n[cohort]\npath = "cohort"\n'
        "[evaluation]\nbootstrap = 100\nguards = false\n"
    )
    run_study(tmp_path / "study.toml", tmp_path / "study")
    study = json.loads((tmp_path / "study" / "metrics.json").read_text())
    assert figures["macro"].keys() == study["macro"].keys()
    for method, area in figures["macro"].items():
        assert area == study["macro"][method]["auroc"]
        for label, own in figures["auroc"][method].items():
            assert own == study["labels"][label]["methods"][method]["auroc"]
    assert figures["coverage"][AS_THEY_ARE] == study["coverage"][AS_THEY_ARE]


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
