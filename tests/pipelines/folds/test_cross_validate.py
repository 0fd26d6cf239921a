"""Cross-validation: finished tasks are kept, results are out of fold and the same in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clinic_of_two import NOW, STUDY, make_dataset

from clinical.case.shapes import Measurements
from clinical.config import StudyConfig
from clinical.model.calibration import pattern_key, patterns
from pipelines.folds.compare import judge
from pipelines.folds.cross_validate import OutOfFold, cross_validate, folds_of
from pipelines.folds.methods import AS_THEY_ARE, OURS, alone, dedicated, hidden, untaught
from pipelines.folds.stress import thinned
from pipelines.folds.tasks import Asks, Bench, Task, part_of
from pipelines.jobs.executors import Workers
from pipelines.study.learning_curve_section import sizes_and_fit
from pipelines.study.missing_inputs import stress_curves
from pipelines.training.dataset import Dataset
from pipelines.training.soft_targets import soft_targets

pytestmark = pytest.mark.long

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
    two, _ = run(dataset, study, tmp_path / "two", workers=Workers(jobs=2))
    same(one, two)
    # Two sites; the model with each of two seeds, the comparators once.
    assert sorted(line.split(", ", 1)[1] for line in lines) == sorted(
        [f"site S{n}, {what}" for n in range(2) for what in (OURS, OURS, "comparators")]
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
    tested, _ = run(dataset, study, tmp_path, workers=Workers(jobs=2))
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
    from pipelines.folds import cross_validate as crossvalidate

    def fail(*_: object) -> None:
        raise CohortError("Nothing here.", remedy="bring something")

    monkeypatch.setattr(crossvalidate, "_run", fail)
    for jobs in (1, 2):
        with pytest.raises(CohortError, match="Nothing here"):
            run(make_dataset(60), SHORT, tmp_path, workers=Workers(jobs=jobs))


def test_the_later_half_is_tested_by_what_was_decided_before(tmp_path: Path) -> None:
    dataset = make_dataset(120)
    cases = tuple(
        replace(cached, case=replace(cached.case, decision_time=NOW + timedelta(days=number)))
        for number, cached in enumerate(dataset.cases)
    )
    dataset = replace(dataset, cases=cases)
    by_time = replace(SHORT.evaluation, split="time", folds=0, train_fraction=0.6)
    study = replace(SHORT, evaluation=by_time)
    tested, _ = run(dataset, study, tmp_path)
    known = ~np.isnan(tested.scores[OURS][0]).any(axis=1)
    # The patient of the cut has a case on either side, and both are with the tested ones.
    np.testing.assert_array_equal(np.flatnonzero(known), np.arange(73, 120))
    day = (NOW + timedelta(days=100)).date().isoformat()
    (fold,) = folds_of(dataset, replace(by_time, tested_from=day), 0)
    assert fold.test.tolist() == list(range(100, 120))


def test_nested_folds_validate_on_every_patient_that_is_learnt_from(tmp_path: Path) -> None:
    dataset = make_dataset(120)
    study = replace(SHORT, evaluation=replace(SHORT.evaluation, inner=3))
    tested, _ = run(dataset, study, tmp_path, asks=Asks(thresholds=True))
    single, lines = run(dataset, SHORT, tmp_path, asks=Asks(thresholds=True))
    # Comparators have inner folds of their own, so theirs are kept.
    assert [line for line in lines if "kept" in line] == [
        f"seed 1 of 1, fold {n}, comparators: kept from an earlier run" for n in (1, 2)
    ]
    assert not np.array_equal(tested.scores[OURS], single.scores[OURS])
    ours = [one for one in tested.validation if OURS in one.scores]
    for one, fold in zip(ours, tested.folds[0], strict=True):
        assert sorted(one.rows) == sorted(fold.train)
    members = tested.in_set[AS_THEY_ARE]
    assert set(np.unique(members)) <= {0.0, 1.0}


def test_smaller_trainings_learn_from_nested_shares_of_the_patients(tmp_path: Path) -> None:
    dataset = make_dataset(160)
    tested, lines = run(dataset, SHORT, tmp_path, asks=Asks(shares=(0.3, 0.6)))
    assert len(lines) == 2 * 4
    small, large = tested.taught
    for number, fold in enumerate(tested.folds[0]):
        people = len({dataset.patients[i] for i in fold.train})
        assert small.patients[number] == round(0.3 * people)
        assert large.patients[number] == round(0.6 * people)
    few = part_of(tested.folds[0][0].train, dataset, 0.3, SHORT.seed)
    assert set(few) < set(part_of(tested.folds[0][0].train, dataset, 0.6, SHORT.seed))
    assert not np.isnan(small.scores).any()
    assert not np.array_equal(small.scores, large.scores)
    curve = sizes_and_fit(tested, samples=50, seed=0)
    assert curve is not None
    assert [one["patients"] for one in curve["sizes"]] == [12, 24, 40]
    assert "4 are needed" in curve["fit"]["because"]
    assert sizes_and_fit(replace(tested, taught=()), samples=50, seed=0) is None


def test_a_share_that_is_too_small_says_so_and_stops_nothing(tmp_path: Path) -> None:
    tested, _ = run(make_dataset(40), SHORT, tmp_path, asks=Asks(shares=(0.1,)))
    (small,) = tested.taught
    assert "patients" in small.because
    curve = sizes_and_fit(tested, samples=20, seed=0)
    assert curve is not None
    assert curve["sizes"][0]["auroc"]["value"] is None
    assert curve["too_small"] == small.because


def test_stress_takes_inputs_from_tested_patients(tmp_path: Path) -> None:
    dataset = make_dataset(160)
    study = replace(SHORT, training=replace(STUDY.training, alone_epochs=15, epochs=2))
    plain, _ = run(dataset, study, tmp_path)
    tested, lines = run(dataset, study, tmp_path, asks=Asks(stress=True))
    assert not [line for line in lines if "kept" in line]
    for method in plain.scores:
        # Products of matrices with more rows may differ in the last bits.
        np.testing.assert_allclose(plain.scores[method], tested.scores[method], atol=1e-12)
    curves = stress_curves(tested, [OURS, "boosting"], samples=50, seed=0)
    found = {(c["what"], c["method"]): [p["auroc"]["value"] for p in c["points"]] for c in curves}
    for method in (OURS, "boosting"):
        whole, *_, none = found["measurements", method]
        assert whole - none > 0.1
        assert found["single measured values", method][-1] == pytest.approx(none, abs=0.02)
        assert found["notes", method][-1] == pytest.approx(whole, abs=0.03)
    assert [p["share"] for p in curves[0]["points"]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert stress_curves(plain, [OURS], samples=50, seed=0) == []


def test_who_loses_a_value_has_lost_it_at_every_larger_share() -> None:
    cached = make_dataset(1).cases[0]
    kept = []
    for share in (0.0, 0.3, 0.6, 1.0):
        shape = thinned(cached, share, 5).case.inputs.get("measurements")
        kept.append({m.code for m in shape.items} if isinstance(shape, Measurements) else set())
    assert kept[0] >= kept[1] >= kept[2] >= kept[3] == set()
    assert len(kept[0]) == 2


def test_a_task_that_ends_badly_is_named_after_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.folds import model_task

    right = model_task.run

    def wrong(bench: Bench, task: Task) -> dict[str, Any]:
        if task.number == 0:
            raise ValueError("a value that nobody may read")
        return right(bench, task)

    monkeypatch.setattr(model_task, "run", wrong)
    study = replace(SHORT, training=replace(STUDY.training, alone_epochs=1, epochs=1))
    with pytest.raises(RuntimeError, match=r"1 of 4 tasks failed; seed 1 of 1, fold 1, triptych"):
        run(make_dataset(60), study, tmp_path, workers=Workers(jobs=2))
    monkeypatch.setattr(model_task, "run", right)
    _, lines = run(make_dataset(60), study, tmp_path)
    assert len([line for line in lines if "kept" in line]) == 3


@pytest.mark.server
def test_ray_gives_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="ray is an optional extra and is not installed")
    # Ray's workers step back otherwise, and on a busy machine for ever.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    study = replace(SHORT, training=replace(STUDY.training, alone_epochs=1, epochs=1))
    dataset = make_dataset(60)
    one, _ = run(dataset, study, tmp_path / "one")
    two, _ = run(dataset, study, tmp_path / "two", workers=Workers("ray", 2))
    same(one, two)
