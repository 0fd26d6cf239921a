"""Thresholds and maps are of one fold's validation patients, and of nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from clinic_of_two import make_dataset

from pipelines.crossvalidate import OURS, OutOfFold
from pipelines.fold_records import Validated, read_validation, validation_record
from pipelines.splits import patient_folds
from pipelines.study import chosen
from pipelines.study.discrimination import roc


def cross_validated(shift: float = 0.0) -> OutOfFold:
    """Two folds; validation scores of the second are higher by `shift`."""
    dataset = make_dataset(80)
    generator = np.random.default_rng(0)
    folds = patient_folds(dataset.patients, dataset.labels, 2, 0)
    scores = 0.25 + 0.3 * dataset.labels + 0.1 * generator.random(dataset.labels.shape)
    validation = tuple(
        Validated(0, number, fold.train[:30], scores[fold.train[:30]] + shift * number)
        for number, fold in enumerate(folds)
    )
    return OutOfFold(dataset, (folds,), {OURS: scores[None]}, {}, {}, {}, validation)


def test_every_case_has_the_threshold_of_its_fold() -> None:
    found = cross_validated(shift=0.2)
    one = chosen.choose(found, 0.9, seed=0)[0]
    for number, fold in enumerate(found.folds[0]):
        held = found.validation[number]
        positive = held.scores[found.dataset.labels[held.rows, 0] == 1, 0]
        cut = one.thresholds[fold.name].value
        assert (one.cuts[fold.test] == cut).all()
        assert (positive >= cut).mean() >= 0.9
        assert cut in positive
    assert one.thresholds["fold 2"].value - one.thresholds["fold 1"].value == pytest.approx(
        0.2, abs=0.1
    )


def test_the_operating_point_is_counted_fold_by_fold() -> None:
    found = cross_validated(shift=0.2)
    one = chosen.choose(found, 0.9, seed=0)[0]
    point = chosen.operating_point(found, 0, one, samples=20, seed=0)
    labels, scores = found.dataset.labels[:, 0], found.scores[OURS][0][:, 0]
    alerts = scores >= one.cuts
    assert point.sensitivity.value == pytest.approx(alerts[labels == 1].mean())
    assert point.specificity.value == pytest.approx((~alerts)[labels == 0].mean())
    assert point.threshold.cases == 60


def test_a_fold_without_a_positive_validation_case_has_no_threshold() -> None:
    found = cross_validated()
    labels = found.dataset.labels
    labels[found.validation[0].rows, 0] = 0
    one = chosen.choose(found, 0.9, seed=0)[0]
    assert set(one.thresholds) == {"fold 2"}
    assert one.without == len(found.folds[0][0].test)
    assert np.isnan(one.cuts[found.folds[0][0].test]).all()


def test_records_name_places_and_not_rows() -> None:
    train = np.array([4, 7, 9])
    record = {"validation": validation_record(np.array([0, 2]), np.array([[0.1], [np.nan]]))}
    found = read_validation(record, 1, 2, train)
    assert found is not None
    np.testing.assert_array_equal(found.rows, [4, 9])
    np.testing.assert_array_equal(found.scores, [[0.1], [np.nan]])
    assert (found.repeat, found.fold) == (1, 2)
    assert read_validation({}, 0, 0, train) is None


def test_the_roc_curve_runs_from_corner_to_corner_and_joins_ties() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.1, np.nan])
    labels = np.array([1.0, 1.0, 0.0, 0.0, 1.0])
    assert roc(scores, labels) == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]]
    assert roc(scores[:2], labels[:2]) == []
    many = np.linspace(0, 1, 5000)
    assert len(roc(many, (many > 0.4).astype(float), most=50)) == 50
