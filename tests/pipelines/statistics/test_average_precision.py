"""Average precision and its intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from pipelines.statistics.average_precision import weighted_average_precisions
from pipelines.statistics.metrics import areas_of, bootstrap_weights


def draw(cases: int, shift: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    labels = (generator.random(cases) < 0.25).astype(float)
    scores = (generator.normal(size=cases) + shift * labels).round(1)
    return scores, labels, [str(i) for i in range(cases)]


def test_by_hand() -> None:
    scores, labels = np.array([4.0, 3.0, 2.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
    once = np.ones((1, 4), dtype=np.int32)
    assert weighted_average_precisions(scores, labels, once) == pytest.approx((1 + 2 / 3) / 2)


def test_it_is_that_of_the_resampled_cases_also_with_ties() -> None:
    scores, labels, people = draw(60, 1.0)
    weights = bootstrap_weights(people, samples=8, seed=1)
    found = weighted_average_precisions(scores, labels, weights)
    for row, value in zip(weights, found, strict=True):
        drawn = np.repeat(np.arange(60), row)
        assert value == pytest.approx(average_precision_score(labels[drawn], scores[drawn]))


def test_all_tied_is_the_prevalence() -> None:
    _, labels, _ = draw(80, 0.0)
    found = weighted_average_precisions(np.zeros(80), labels, np.ones((1, 80), dtype=np.int32))
    assert found == pytest.approx(labels.mean())


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    scores, labels, _ = draw(200_000, 1.5, seed=99)
    truth = average_precision_score(labels, scores)
    covered = 0
    for seed in range(60):
        scores, labels, people = draw(200, 1.5, seed)
        weights = bootstrap_weights(people, samples=200, seed=0)
        low, high = np.quantile(
            weighted_average_precisions(scores, labels, weights), [0.025, 0.975]
        )
        covered += low <= truth <= high
    assert covered >= 51


def test_unknown_outcomes_are_left_out_and_one_outcome_is_not_defined() -> None:
    scores, labels, people = draw(100, 1.0)
    holes = np.where(np.arange(100) % 3 == 0, np.nan, labels)
    known = ~np.isnan(holes)
    weights = bootstrap_weights(people, samples=20, seed=0)
    outcomes = np.stack([holes, 0 * labels], axis=1)
    both = np.stack([scores, scores], axis=1)[None]
    found = areas_of(both, outcomes, weights, weighted_average_precisions)
    assert found.value[0] == pytest.approx(average_precision_score(labels[known], scores[known]))
    assert np.isnan(found.value[1])
    assert np.isnan(found.samples[:, 1]).all()
