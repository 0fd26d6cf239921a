"""The guards look at the cases of a sample and at no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clinic_of_two import DIAGNOSES, write_cohort

from clinical.config import CohortConfig
from clinical.model.model import Model
from pipelines.study import guard_sample
from pipelines.study.guards.guard import GuardResult
from pipelines.study.guards.out_of_fold import Judging


def test_guards_see_the_sample_only(tmp_path: Path, model_of_two: Model) -> None:
    cohort = write_cohort(tmp_path / "cohort", cases=120)
    study = replace(model_of_two.study, cohort=CohortConfig(str(cohort)))
    case_ids = frozenset(f"c{number:04d}" for number in range(80))
    judging = Judging(folds=2, samples=20)
    features = tmp_path / "features"
    wanted = guard_sample.Sample(study, features, case_ids, DIAGNOSES, judging)
    found = guard_sample.guards(wanted)
    counted = [f.estimate.cases for f in found if isinstance(f, GuardResult)]
    assert counted
    assert max(counted) == 80
