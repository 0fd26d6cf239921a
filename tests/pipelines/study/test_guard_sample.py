"""The guards look at whole patients, as many as fit, drawn by the seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clinic_of_two import DIAGNOSES, write_cohort

from clinical.config import CohortConfig
from clinical.model.model import Model
from pipelines.study import guard_sample
from pipelines.study.guards.guard import GuardResult
from pipelines.study.guards.out_of_fold import Judging

PATIENTS = [f"p{number // 2}" for number in range(40)]


def test_all_cases_of_a_patient_are_drawn_or_none() -> None:
    drawn = guard_sample.sample(PATIENTS, seed=1, most=5)
    assert len(drawn) == 10
    assert [PATIENTS[i] for i in drawn[::2]] == [PATIENTS[i] for i in drawn[1::2]]
    assert drawn == sorted(drawn)


def test_the_seed_draws_them() -> None:
    one, same, other = (guard_sample.sample(PATIENTS, seed, most=5) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert guard_sample.sample(PATIENTS, seed=1, most=100) == list(range(40))


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
