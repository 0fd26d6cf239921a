"""Cross-validation: finished tasks are kept, results are out of fold and the same in any order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clinic_of_two import STUDY, make_dataset

from clinical.calibration import pattern_key, patterns
from clinical.config import StudyConfig
from pipelines.crossvalidate import (
    AS_THEY_ARE,
    OURS,
    OutOfFold,
    alone,
    cross_validate,
    dedicated,
    hidden,
    untaught,
)
from pipelines.features import Dataset
from pipelines.posteriors import soft_targets
from pipelines.yardstick import judge

SHORT = replace(
    STUDY,
    training=replace(STUDY.training, alone_epochs=2, epochs=1),
    evaluation=replace(STUDY.evaluation, folds=2, bootstrap=50),
)


class Lines(list[str]):
    def __call__(self, line: str, done: int, total: int) -> None:
        assert done <= total
        self.append(line)


def at_sites(dataset: Dataset, sites: int) -> Dataset:
    """The same dataset, its patients spread over some sites."""
    cases = tuple(
        replace(cached, case=replace(cached.case, site=f"S{number // 2 % sites}"))
        for number, cached in enumerate(dataset.cases)
    )
    return replace(dataset, cases=cases)


def run(dataset: Dataset, study: StudyConfig, folder: Path, **more: Any) -> tuple[OutOfFold, Lines]:
    lines = Lines()
    return cross_validate(dataset, study, folder, lines, **more), lines


def same(first: OutOfFold, second: OutOfFold) -> None:
    assert first.scores.keys() == second.scores.keys()
    for method in first.scores:
        np.testing.assert_array_equal(first.scores[method], second.scores[method])


def test_tasks_are_kept_and_the_rerun_gives_the_same(tmp_path: Path) -> None:
    dataset = make_dataset(160)
    study = replace(SHORT, training=replace(STUDY.training, alone_epochs=10, epochs=3))
    first, lines = run(dataset, study, tmp_path)
    assert len(lines) == 4
    assert not [line for line in lines if "kept" in line]
    # Other intervals and margins are asked of the same trainings.
    later = replace(study, evaluation=replace(study.evaluation, bootstrap=20, margin=0.02))
    second, lines = run(dataset, later, tmp_path)
    assert all("kept" in line for line in lines)
    same(first, second)
    result = judge(first, study)
    assert (result.auroc[OURS]["inflammation"].value or 0) > 0.85
    assert (result.auroc[alone("notes")]["inflammation"].low or 0) < 0.6
    assert (result.auroc[dedicated("measurements")]["inflammation"].value or 0) > 0.95
    assert result.auroc["boosting"]["failure"].cases == 160
    assert result.best_single in {
        alone("measurements"),
        dedicated("measurements"),
        alone("history"),
        dedicated("history"),
    }


def test_tasks_of_another_study_are_not_reused(tmp_path: Path) -> None:
    dataset = make_dataset(100)
    short = replace(SHORT, training=replace(STUDY.training, alone_epochs=1, epochs=1))
    run(dataset, short, tmp_path)
    _, lines = run(dataset, replace(short, seed=77), tmp_path)
    assert not [line for line in lines if "kept" in line]


def test_side_by_side_gives_the_same_bits(tmp_path: Path) -> None:
    dataset = at_sites(make_dataset(120), 2)
    study = replace(SHORT, evaluation=replace(SHORT.evaluation, split="site", folds=0, repeats=2))
    one, lines = run(dataset, study, tmp_path / "one")
    two, _ = run(dataset, study, tmp_path / "two", jobs=2)
    same(one, two)
    # Two sites; the model with each of two seeds, the baselines once.
    assert sorted(line.split(", ", 1)[1] for line in lines) == sorted(
        [f"site S{n}, {what}" for n in range(2) for what in (OURS, OURS, "baselines")]
    )
    assert one.scores[OURS].shape == (2, 120, 2)
    assert not np.array_equal(one.scores[OURS][0], one.scores[OURS][1])
    assert one.scores["late fusion"].shape == (1, 120, 2)


def test_a_given_split_is_tested_where_it_says_test(tmp_path: Path) -> None:
    dataset = make_dataset(120)
    dataset = replace(dataset, splits=tuple("test" if n < 40 else "train" for n in range(120)))
    study = replace(SHORT, evaluation=replace(SHORT.evaluation, split="given", folds=0))
    tested, _ = run(dataset, study, tmp_path)
    known = ~np.isnan(tested.scores[OURS][0]).any(axis=1)
    np.testing.assert_array_equal(known, np.arange(120) < 40)
    assert judge(tested, study).cases == 40


def test_a_removed_modality_is_compared_with_a_model_that_never_had_it(tmp_path: Path) -> None:
    dataset = make_dataset(100)
    study = replace(SHORT, training=replace(STUDY.training, alone_epochs=15, epochs=2))
    study = replace(study, evaluation=replace(study.evaluation, removal=True))
    tested, _ = run(dataset, study, tmp_path, jobs=2)
    for name in ("history", "measurements", "notes"):
        assert tested.scores[untaught(name)].shape == tested.scores[hidden(name)].shape
    result = judge(tested, study)
    assert set(result.removal) == {"history", "measurements", "notes"}
    assert untaught("notes") not in result.macro
    assert "margin of 0.01" in result.removal["notes"].verdict or (
        result.removal["notes"].verdict in {"better", "inferior by more than 0.01"}
    )
    full, without = (tested.scores[m][0][:, 0] for m in (OURS, untaught("measurements")))
    assert abs(without - 0.4).mean() < abs(full - 0.4).mean()


def test_the_oracle_is_judged_and_learnt_from_only_when_asked(tmp_path: Path) -> None:
    dataset = make_dataset(120)
    oracle = {"all": np.clip(dataset.labels, 0.1, 0.9)}
    plain, _ = run(dataset, SHORT, tmp_path / "plain")
    beside, _ = run(dataset, SHORT, tmp_path / "beside", oracle=oracle)
    np.testing.assert_array_equal(plain.scores[OURS], beside.scores[OURS])
    result = judge(beside, SHORT)
    assert result.auroc["oracle: all"]["failure"].value == 1
    assert result.gap_closed is not None
    soft = replace(
        SHORT,
        training=replace(SHORT.training, soft_targets=True),
        evaluation=replace(SHORT.evaluation, oracle="oracle.csv"),
    )
    learnt, _ = run(dataset, soft, tmp_path / "soft", oracle=oracle)
    assert not np.array_equal(learnt.scores[OURS], plain.scores[OURS])


def test_soft_targets_keep_the_outcome_where_there_is_no_posterior() -> None:
    labels = np.array([[1.0, 0.0], [np.nan, 1.0]])
    posterior = np.array([[0.8, np.nan], [0.3, 0.6]])
    alone = np.array([[0.5, 0.5], [np.nan, np.nan]])
    targets = soft_targets(labels, {"all": posterior, "history": alone})
    np.testing.assert_array_equal(targets["all"], [[0.8, 0.0], [0.3, 0.6]])
    np.testing.assert_array_equal(targets["history"], [[0.5, 0.5], [np.nan, 1.0]])


def test_prediction_sets_are_judged_under_every_pattern(tmp_path: Path) -> None:
    study = replace(SHORT, training=replace(STUDY.training, alone_epochs=1, epochs=1))
    tested, _ = run(make_dataset(160), study, tmp_path)
    covered = judge(tested, study).coverage
    names = [pattern_key(pattern) for pattern in patterns(("history", "measurements", "notes"))]
    assert set(covered) == {AS_THEY_ARE, *names}
    assert covered["history"].share.cases == covered[AS_THEY_ARE].share.cases
    assert all(0 <= found.size <= 2 for found in covered.values())


def test_a_failing_task_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clinical.errors import CohortError
    from pipelines import crossvalidate

    def fail(*_: object) -> None:
        raise CohortError("Nothing here.", remedy="bring something")

    monkeypatch.setattr(crossvalidate, "_run", fail)
    for jobs in (1, 2):
        with pytest.raises(CohortError, match="Nothing here"):
            run(make_dataset(60), SHORT, tmp_path, jobs=jobs)
