"""Thresholds and maps are of one fold's validation patients, and of nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_two import make_dataset

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import OURS
from pipelines.folds.records import Validated, plain, read_validated
from pipelines.folds.splits import patient_folds
from pipelines.study import thresholds
from pipelines.study.discrimination import roc


def cross_validated(shift: float = 0.0) -> OutOfFold:
    """Two folds; validation scores of the second are higher by `shift`."""
    dataset = make_dataset(80)
    generator = np.random.default_rng(0)
    folds = patient_folds(dataset.patients, dataset.labels, 2, 0)
    scores = 0.25 + 0.3 * dataset.labels + 0.1 * generator.random(dataset.labels.shape)
    validation = tuple(
        Validated(
            0,
            number,
            fold.train[:30],
            {OURS: scores[fold.train[:30]] + shift * number, "other": scores[fold.train[:30]] / 2},
        )
        for number, fold in enumerate(folds)
    )
    return OutOfFold(
        dataset, (folds,), {OURS: scores[None], "other": scores[None] / 2}, {}, {}, {}, validation
    )


def test_every_case_has_the_threshold_of_its_fold() -> None:
    found = cross_validated(shift=0.2)
    one = thresholds.choose(found, 0.9, seed=0)[0]
    for number, fold in enumerate(found.folds[0]):
        held = found.validation[number]
        positive = held.scores[OURS][found.dataset.labels[held.rows, 0] == 1, 0]
        cut = one.thresholds[fold.name].value
        assert (one.cuts[fold.test] == cut).all()
        assert (positive >= cut).mean() >= 0.9
        assert cut in positive
    assert one.thresholds["fold 2"].value - one.thresholds["fold 1"].value == pytest.approx(
        0.2, abs=0.1
    )


def test_the_operating_point_is_counted_fold_by_fold() -> None:
    found = cross_validated(shift=0.2)
    one = thresholds.choose(found, 0.9, seed=0)[0]
    point = thresholds.operating_point(found, OURS, 0, one, samples=20, seed=0)
    labels, scores = found.dataset.labels[:, 0], found.scores[OURS][0][:, 0]
    alerts = scores >= one.cuts
    assert point.sensitivity.value == pytest.approx(alerts[labels == 1].mean())
    assert point.specificity.value == pytest.approx((~alerts)[labels == 0].mean())
    assert point.threshold.cases == 60


def test_a_fold_without_a_positive_validation_case_has_no_threshold() -> None:
    found = cross_validated()
    labels = found.dataset.labels
    labels[found.validation[0].rows, 0] = 0
    one = thresholds.choose(found, 0.9, seed=0)[0]
    assert set(one.thresholds) == {"fold 2"}
    assert one.without == len(found.folds[0][0].test)
    assert np.isnan(one.cuts[found.folds[0][0].test]).all()


def test_comparators_choose_for_themselves_where_they_were_asked() -> None:
    found = cross_validated()
    ours = thresholds.choose(found, 0.9, seed=0)[0]
    others = thresholds.comparators(found, ["other", "never asked"], 0.9, 0)
    assert set(others) == {"other"}
    for fold, threshold in ours.thresholds.items():
        assert others["other"].thresholds[fold].value == pytest.approx(threshold.value / 2)
    point = thresholds.operating_point(found, "other", 0, others["other"], samples=20, seed=0)
    same = thresholds.operating_point(found, OURS, 0, ours, samples=20, seed=0)
    assert point.sensitivity == same.sensitivity
    assert others["other"].maps == {}


def test_records_name_places_and_not_rows() -> None:
    train = np.array([4, 7, 9])
    scores = {OURS: plain(np.array([[0.1], [np.nan]]))}
    found = read_validated({"validated": {"places": [0, 2], "scores": scores}}, 1, 2, train)
    assert found is not None
    np.testing.assert_array_equal(found.rows, [4, 9])
    np.testing.assert_array_equal(found.scores[OURS], [[0.1], [np.nan]])
    assert (found.repeat, found.fold) == (1, 2)
    assert read_validated({}, 0, 0, train) is None


def test_the_roc_curve_runs_from_corner_to_corner_and_joins_ties() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.1, np.nan])
    labels = np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    assert roc(scores, labels) == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]]
    assert roc(scores[:2], labels[:2]) == []
    many = np.linspace(0, 1, 5000)
    assert len(roc(many, (many > 0.4).astype(float), most=50)) == 50
