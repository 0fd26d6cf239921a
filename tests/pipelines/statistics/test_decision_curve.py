"""Net benefit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from clinical.errors import ConfigError
from pipelines.statistics.decision_curve import THRESHOLDS, decision_curve, weighted_net_benefits
from pipelines.statistics.metrics import bootstrap_weights


def draw(cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    p = expit(generator.normal(-1, 1.5, cases))
    return p, (generator.random(cases) < p).astype(float), [str(i) for i in range(cases)]


def test_by_hand() -> None:
    p = np.array([0.9, 0.6, 0.4, 0.1])
    y = np.array([1.0, 0.0, 1.0, 0.0])
    at_half, at_fifth = decision_curve(p, y, list("abcd"), thresholds=(0.5, 0.2), samples=10)
    assert at_half.model.value == pytest.approx(1 / 4 - 1 / 4)
    assert at_fifth.model.value == pytest.approx(2 / 4 - 1 / 4 * 0.25)
    assert at_fifth.treat_all == pytest.approx(0.5 - 0.5 * 0.25)
    assert at_fifth.standardised.value == pytest.approx((0.5 - 0.0625) / 0.5)
    assert at_fifth.gain.value == pytest.approx((0.5 - 0.0625) - (0.5 - 0.125))


def test_known_ends() -> None:
    _, y, people = draw(200)
    for point in decision_curve(y, y, people, thresholds=(0.1, 0.5, 0.9), samples=10):
        assert point.standardised.value == pytest.approx(1)
    everybody = decision_curve(np.ones(200), y, people, thresholds=(0.1,), samples=10)[0]
    assert everybody.model.value == pytest.approx(everybody.treat_all)
    prevalence = float(y.mean())
    even = decision_curve(y, y, people, thresholds=(prevalence,), samples=10)[0]
    assert even.treat_all == pytest.approx(0, abs=1e-12)


def test_a_calibrated_model_never_does_harm_and_a_shifted_one_may() -> None:
    p, y, people = draw(20_000)
    for point in decision_curve(p, y, people, thresholds=(0.05, 0.2, 0.4), samples=20):
        assert (point.gain.value or 0) > -0.002
    shifted = decision_curve(np.minimum(p + 0.5, 1), y, people, thresholds=(0.5,), samples=20)[0]
    assert (shifted.gain.high or 0) < 0


def test_samples_are_those_of_the_resampled_cases() -> None:
    p, y, people = draw(80)
    weights, cuts = bootstrap_weights(people, 4, 0), np.array([0.1, 0.3])
    model, everybody = weighted_net_benefits(p, y, weights, cuts)
    for row, of_model, of_all in zip(weights, model, everybody, strict=True):
        drawn = np.repeat(np.arange(80), row)
        again = decision_curve(
            p[drawn], y[drawn], [str(i) for i in drawn], thresholds=(0.1, 0.3), samples=2
        )
        assert [point.model.value for point in again] == pytest.approx(of_model)
        assert [point.treat_all for point in again] == pytest.approx(of_all)


def test_the_interval_holds_the_value_and_the_default_is_a_range() -> None:
    curve = decision_curve(*draw(300), samples=200)
    assert [point.threshold for point in curve] == list(THRESHOLDS)
    for point in curve:
        assert point.model.low <= point.model.value <= point.model.high  # type: ignore[operator]


def test_nothing_to_judge_and_impossible_thresholds() -> None:
    p, y, people = draw(20)
    assert decision_curve(p, y * np.nan, people)[0].model.value is None
    without = decision_curve(p, 0 * y, people, samples=10)[0]
    assert without.standardised.value is None
    assert without.model.value is not None
    with pytest.raises(ConfigError, match="between 0 and 1"):
        decision_curve(p, y, people, thresholds=(0.5, 1.0))
