"""Average precision and its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from pipelines.metrics import bootstrap_weights
from pipelines.study.average_precision import (
    average_precision_difference,
    average_precision_interval,
    weighted_average_precisions,
)


def draw(cases: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    labels = (generator.random(cases) < 0.25).astype(float)
    scores = (generator.normal(size=cases) + shift * labels).round(1)
    return scores, labels, [str(i) for i in range(cases)]


def test_by_hand() -> None:
    scores, labels = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    once = np.ones((1, 4), dtype=np.int64)
    assert weighted_average_precisions(scores, labels, once) == pytest.approx((1 + 2 / 3) / 2)


def test_it_is_that_of_the_resampled_cases_also_with_ties() -> None:
    scores, labels, people = draw(60, 1.0)
    weights = bootstrap_weights(people, samples=8, seed=1)
    found = weighted_average_precisions(scores, labels, weights)
    for row, value in zip(weights, found, strict=True):
        drawn = np.repeat(np.arange(60), row)
        assert value == pytest.approx(average_precision_score(labels[drawn], scores[drawn]))


def test_all_tied_is_the_prevalence() -> None:
    _, labels, people = draw(80, 0.0)
    found = average_precision_interval(np.zeros(80), labels, people, samples=100)
    assert found.value == pytest.approx(labels.mean())


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    scores, labels, _ = draw(200_000, 1.5, seed=99)
    truth = average_precision_score(labels, scores)
    covered = 0
    for seed in range(60):
        found = average_precision_interval(*draw(200, 1.5, seed), samples=200)
        covered += (found.low or 0) <= truth <= (found.high or 0)
    assert covered >= 51


def test_a_difference_is_paired() -> None:
    scores, labels, people = draw(100, 1.0)
    same = average_precision_difference(scores, scores, labels, people, samples=50)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    worse = average_precision_difference(scores, -scores, labels, people, samples=200)
    assert worse.low is not None
    assert worse.low > 0


def test_unknown_outcomes_are_left_out_and_one_outcome_is_not_defined() -> None:
    scores, labels, people = draw(100, 1.0)
    holes = np.where(np.arange(100) % 3 == 0, np.nan, labels)
    known = ~np.isnan(holes)
    found = average_precision_interval(scores, holes, people, samples=20)
    assert found.value == pytest.approx(average_precision_score(labels[known], scores[known]))
    assert average_precision_interval(scores, 0 * labels, people).value is None
    assert np.isnan(weighted_average_precisions(scores, 0 * labels, np.ones((1, 100), int))).all()
    assert average_precision_interval(scores * np.nan, labels, people).cases == 0
