"""The guards look at the cases of a sample and at no others."""

from __future__ import annotations

from pathlib import Path

from clinic_of_two import DIAGNOSES, write_cohort

from clinical.model import model as models
from clinical.model.model import Model
from pipelines.study import guard_sample
from pipelines.study.assess_cohort import Work
from pipelines.study.guards.guard import GuardResult
from pipelines.study.guards.out_of_fold import Judging


def test_guards_see_the_sample_only(tmp_path: Path, model_of_two: Model) -> None:
    cohort = write_cohort(tmp_path / "cohort", cases=120)
    models.save(model_of_two, tmp_path / "model")
    work = Work("folder", cohort, tmp_path / "model", tmp_path / "features", tmp_path / "shards")
    case_ids = frozenset(f"c{number:04d}" for number in range(80))
    judging = Judging(folds=2, samples=20)
    found = guard_sample.guards(work, guard_sample.Sample(case_ids, DIAGNOSES, judging))
    counted = [f.estimate.cases for f in found if isinstance(f, GuardResult)]
    assert counted
    assert max(counted) == 80
