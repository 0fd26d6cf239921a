"""A study of a checkpoint says what `triptych assess` says, to the last bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clinical.assess.assess import load_assessor
from clinical.model.card import SHIPPED_MODEL
from pipelines.assessing import runner
from pipelines.assessing.batch import Run, assess_cohort
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, hidden
from pipelines.jobs.executors import Workers
from pipelines.study import checkpoint_study
from pipelines.study.checkpoint_study import Assessed
from pipelines.study.design import load_design

pytestmark = pytest.mark.long

SAMPLE = Path(__file__).parents[3] / "sample_data" / "cohort"
MARKED = "sim-2026-000023"
CASES = {*(f"sim-2026-{number:06d}" for number in range(6)), MARKED}
DESIGN = 'name = "same"\ncheckpoint = "shipped"\n[cohort]\npath = "cohort"\n'


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some embedded cases with their images, among them one that is marked."""
    root = tmp_path_factory.mktemp("same") / "cohort"
    shutil.copytree(SAMPLE, root)
    for table in ("cases.csv", "outcomes.csv"):
        head, *rows = (SAMPLE / table).read_text().splitlines()
        write(root / table, head, [row for row in rows if row.split(",")[0] in CASES])
    return root


def write(table: Path, head: str, rows: list[str]) -> None:
    table.write_text("\n".join([head, *rows]) + "\n")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_label_set_and_reason_is_the_same(
    jobs: int, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SPAN", 4)
    assess_cohort(Run(cohort, "folder", None, tmp_path / "assess", workers=Workers(jobs=jobs)))
    assessments = read(tmp_path / "assess" / "assessments.jsonl")
    assert assessments[MARKED]["out_of_distribution"]["flagged"]
    # The other way round, in other spans.
    shutil.copytree(cohort, tmp_path / "cohort")
    head, *rows = (cohort / "cases.csv").read_text().splitlines()
    write(tmp_path / "cohort" / "cases.csv", head, rows[::-1])
    monkeypatch.setattr(runner, "SPAN", 3)
    file = tmp_path / "study.toml"
    file.write_text(DESIGN)
    workers = Workers(jobs=3 - jobs)
    found = checkpoint_study.assess(
        load_design(file), SHIPPED_MODEL, tmp_path / "out", workers.contained, workers.jobs
    )
    ids = [cached.case.case_id for cached in found.tested.dataset.cases]
    assert ids == list(assessments)[::-1]
    for row, case_id in enumerate(ids):
        assert of_study(found, row) == of_assessment(assessments[case_id])


def read(file: Path) -> dict[str, Any]:
    records = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {record["case_id"]: record for record in records}


def of_assessment(record: dict[str, Any]) -> dict[str, Any]:
    """What the model says in an assessment, diagnoses in the model's order."""
    model = load_assessor().model
    own = {one["diagnosis"]: one for one in record["suggestions"]}
    ledger, used = record["ledger"], record["modalities"]["used"]
    said = {OURS: [own[name]["probability"] for name in model.diagnoses]}
    for name in used:
        said[alone(name)] = [ledger["alone"][name][d] for d in model.diagnoses]
        if len(used) > 1:
            said[hidden(name)] = [ledger["without"][name][d] for d in model.diagnoses]
    return {
        "scores": said,
        "in_set": [own[name]["in_set"] for name in model.diagnoses],
        "withheld": [own[name]["withheld_because"] is not None for name in model.diagnoses],
        "marked": record["out_of_distribution"]["flagged"],
    }


def of_study(found: Assessed, row: int) -> dict[str, Any]:
    """The same of a study; of a modality that the case lacks, an assessment says nothing."""
    said = {method: values[0, row] for method, values in found.tested.scores.items()}
    used = [name for name in found.model.specs if not np.isnan(said[alone(name)]).any()]
    wanted = {OURS, *map(alone, used), *(map(hidden, used) if len(used) > 1 else ())}
    members = found.tested.in_set[AS_THEY_ARE][0, row]
    return {
        "scores": {method: said[method].tolist() for method in wanted},
        "in_set": [None if np.isnan(one) else bool(one) for one in members],
        "withheld": found.withheld[row].tolist(),
        "marked": bool(found.outside[row]),
    }
