"""Discrimination and its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipelines.statistics.metrics import (
    areas_of,
    auroc_difference,
    auroc_interval,
    bootstrap_weights,
    calibration_error_floor,
    expected_calibration_error,
    log_loss,
    macro_auroc,
    weighted_aurocs,
    weighted_sums,
    with_all,
)


def draw(cases: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = (generator.random(cases) < 0.4).astype(float)
    return generator.normal(size=cases) + shift * labels, labels


def test_weights_draw_whole_patients() -> None:
    weights = bootstrap_weights(["a", "a", "b", "c"], samples=50, seed=0)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 1])
    assert (weights[:, 0] + weights[:, 2] + weights[:, 3] == 3).all()


def test_sums_of_many_cases_do_not_run_over_a_byte() -> None:
    weights = bootstrap_weights([str(i) for i in range(2000)], samples=1200, seed=0)
    held = np.arange(2000) < 1500
    wide = weights.astype(np.int64) @ held
    assert wide.min() > 255
    np.testing.assert_array_equal(weighted_sums(weights, held), wide)
    both = weighted_sums(weights, np.stack([held, ~held], axis=1))
    np.testing.assert_array_equal(both.sum(axis=1), 2000)
    assert weighted_sums(weights[:0], held).shape == (0,)


def test_the_first_of_all_samples_is_the_cohort_itself() -> None:
    weights = bootstrap_weights(["a", "b", "b"], samples=4, seed=0)
    np.testing.assert_array_equal(with_all(weights)[0], 1)
    np.testing.assert_array_equal(with_all(weights)[1:], weights)


def test_weighted_auroc_is_the_auroc_of_the_resampled_cases() -> None:
    scores, labels = draw(60, 1.0)
    scores = scores.round(1)
    weights = bootstrap_weights([str(i) for i in range(60)], samples=5, seed=1)
    for row, area in zip(weights, weighted_aurocs(scores, labels, weights), strict=True):
        drawn = np.repeat(np.arange(60), row)
        assert area == pytest.approx(roc_auc_score(labels[drawn], scores[drawn]))


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    true_area = 0.7602  # of two unit normals one standard deviation apart
    covered = 0
    for seed in range(60):
        scores, labels = draw(150, 1.0, seed)
        interval = auroc_interval(scores, labels, [str(i) for i in range(150)], samples=300)
        covered += (interval.low or 0) <= true_area <= (interval.high or 0)
    assert covered >= 52


def test_repeats_of_a_patient_widen_the_interval() -> None:
    scores, labels = draw(50, 1.0)
    once = auroc_interval(scores, labels, [str(i) for i in range(50)])
    people = [str(i) for i in range(50)] * 4
    often = auroc_interval(np.tile(scores, 4), np.tile(labels, 4), people)
    assert often.value == pytest.approx(once.value)
    width = (once.high or 0) - (once.low or 0)
    assert (often.high or 0) - (often.low or 0) == pytest.approx(width, rel=0.1)


def test_a_difference_is_paired() -> None:
    scores, labels = draw(200, 1.0)
    people = [str(i) for i in range(200)]
    same = auroc_difference(scores, scores, labels, people)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_one_outcome_only_is_not_defined() -> None:
    interval = auroc_interval(np.arange(5.0), np.ones(5), list("abcde"))
    assert interval.value is None
    assert str(interval) == "not defined"


def test_calibration_error_of_a_shifted_forecast() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random(50_000) * 0.8
    labels = (generator.random(50_000) < truth).astype(float)
    assert expected_calibration_error(truth, labels) < 0.01
    assert expected_calibration_error(truth + 0.2, labels) == pytest.approx(0.2, abs=0.01)


def test_the_floor_is_the_error_of_a_perfect_forecast_with_so_few_cases() -> None:
    generator = np.random.default_rng(0)
    truth = generator.random(300)
    floor = calibration_error_floor(truth, seed=1)
    errors = [
        expected_calibration_error(truth, (generator.random(300) < truth).astype(float))
        for _ in range(100)
    ]
    assert floor == pytest.approx(np.mean(errors), rel=0.1)
    assert calibration_error_floor(np.tile(truth, 100)) < floor / 5


def test_log_loss_of_a_coin() -> None:
    labels = np.array([1.0, 0.0, np.nan])
    assert log_loss(np.full(3, 0.5), labels) == pytest.approx(np.log(2))


def test_areas_are_averaged_over_repeats_and_leave_out_what_is_not_known() -> None:
    scores, labels = draw(80, 1.0)
    twice = np.stack([scores, -scores])[:, :, None].repeat(2, axis=2)
    twice[0, 0, 0] = np.nan
    both_labels = np.stack([labels, np.ones(80)], axis=1)
    found = areas_of(twice, both_labels, bootstrap_weights([str(i) for i in range(80)], 20, 0))
    assert found.value[0] == pytest.approx(0.5)
    assert np.isnan(found.value[1])
    assert found.samples[:, 0] == pytest.approx(np.full(20, 0.5))
    assert macro_auroc(twice[0], both_labels) == pytest.approx(
        roc_auc_score(labels[1:], scores[1:])
    )
