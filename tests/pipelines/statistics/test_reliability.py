"""Calibration slope, intercept and curve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from pipelines.statistics.metrics import bootstrap_weights, expected_calibration_error
from pipelines.statistics.proportions import wilson
from pipelines.statistics.reliability import (
    calibration_error_interval,
    reliability_curve,
    weak_calibration,
    weighted_calibration_errors,
    weighted_in_the_large,
    weighted_lines,
)


def draw(
    cases: int, slope: float = 1.0, intercept: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Probabilities that `slope` and `intercept` would put right."""
    generator = np.random.default_rng(seed)
    z = generator.normal(-1, 1.5, cases)
    labels = (generator.random(cases) < expit(slope * z + intercept)).astype(float)
    return expit(z), labels, [str(i) for i in range(cases)]


def test_lines_are_the_logistic_regressions_of_the_resampled_cases() -> None:
    p, y, people = draw(150, 0.6, 0.4)
    weights = bootstrap_weights(people, 6, 0)
    found = weighted_lines(p, y, weights)
    for row, (intercept, slope) in zip(weights, found, strict=True):
        drawn = np.repeat(np.arange(150), row)
        fitted = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000)
        fitted.fit(logit(p[drawn])[:, None], y[drawn])
        assert slope == pytest.approx(fitted.coef_[0, 0], rel=1e-4)
        assert intercept == pytest.approx(fitted.intercept_[0], rel=1e-3)


def test_in_the_large_makes_the_mean_probability_the_frequency() -> None:
    p, y, people = draw(150, 1.0, 0.8)
    weights = bootstrap_weights(people, 6, 0)
    for row, shift in zip(weights, weighted_in_the_large(p, y, weights), strict=True):
        assert np.average(expit(logit(p) + shift), weights=row) == pytest.approx(
            np.average(y, weights=row)
        )


def test_in_the_large_of_one_probability_for_all_is_a_difference_of_logits() -> None:
    y = np.array([1.0] * 30 + [0.0] * 70)
    shift = weighted_in_the_large(np.full(100, 0.5), y, np.ones((1, 100), dtype=np.int64))
    assert shift == pytest.approx(logit(0.3))


def test_an_overconfident_forecast_is_found_out() -> None:
    found = weak_calibration(*draw(20_000, 0.5, 0.3), samples=20)
    assert found.slope.value == pytest.approx(0.5, abs=0.03)
    assert found.intercept.value == pytest.approx(0.3, abs=0.05)
    assert found.undefined == 0
    assert found.in_the_large.value != pytest.approx(0.3, abs=0.05)


def test_the_slopes_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        slope = weak_calibration(*draw(250, 1.0, seed=seed), samples=200).slope
        covered += (slope.low or 0) <= 1 <= (slope.high or 0)
    assert covered >= 51


def test_separated_outcomes_and_constant_probabilities_have_no_slope() -> None:
    p, y = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]), np.array([0.0, 0, 0, 1, 1, 1])
    found = weak_calibration(p, y, list("abcdef"), samples=20)
    assert found.slope.value is None
    assert found.undefined == 20
    assert found.in_the_large.value == pytest.approx(0, abs=1e-6)
    assert weak_calibration(np.full(6, 0.2), y, list("abcdef"), samples=20).slope.value is None
    assert weak_calibration(p, 0 * y, list("abcdef")).slope.value is None


def test_probabilities_of_zero_and_one_are_survived() -> None:
    p, y, people = draw(200)
    p[:2] = (0.0, 1.0)
    y[:2] = (1.0, 0.0)
    assert weak_calibration(p, y, people, samples=20).slope.value is not None


def test_samples_are_treated_alike_when_they_do_not_fit_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p, y, people = draw(80)
    whole = weak_calibration(p, y, people, samples=30)
    monkeypatch.setattr("pipelines.statistics.metrics._AT_ONCE", 200)
    assert weak_calibration(p, y, people, samples=30).slope.low == pytest.approx(whole.slope.low)


def test_the_curve_has_equal_counts_and_wilsons_intervals() -> None:
    p, y, _ = draw(200)
    y[0] = np.nan
    curve = reliability_curve(p, y, bins=10)
    assert sum(part.cases for part in curve) == 199
    assert {part.cases for part in curve} == {19, 20}
    assert [part.predicted for part in curve] == sorted(part.predicted for part in curve)
    for part in curve:
        assert (part.low, part.high) == wilson(part.observed * part.cases, part.cases)


def test_equal_probabilities_share_a_bin() -> None:
    curve = reliability_curve(np.array([0.2] * 50 + [0.8] * 10), np.zeros(60), bins=10)
    assert [(part.predicted, part.cases) for part in curve] == [
        (pytest.approx(0.2), 50),
        (pytest.approx(0.8), 10),
    ]
    assert reliability_curve(np.array([np.nan]), np.ones(1)) == ()


def test_weighted_errors_are_those_of_the_resampled_cases() -> None:
    p, y, people = draw(100, 0.5)
    weights = bootstrap_weights(people, 5, 0)
    for row, error in zip(weights, weighted_calibration_errors(p, y, weights), strict=True):
        drawn = np.repeat(np.arange(100), row)
        assert error == pytest.approx(expected_calibration_error(p[drawn], y[drawn]))


def test_the_errors_interval_is_of_percentiles_and_has_the_value_inside() -> None:
    for seed in range(20):
        p, y, people = draw(300, seed=seed)
        found = calibration_error_interval(p, y, people, samples=200, seed=4)
        weights = bootstrap_weights(people, 200, 4)
        low, high = np.quantile(weighted_calibration_errors(p, y, weights), [0.025, 0.975])
        assert found.value is not None
        assert (found.low, found.high) == (min(low, found.value), high)
        # The mirrored interval that was here before ended at the value.
        assert found.value < high
    wrong = calibration_error_interval(np.full(300, 0.9), y, people, samples=200)
    assert wrong.low is not None
    assert wrong.low > 0.3
    assert calibration_error_interval(p * np.nan, y, people).value is None
