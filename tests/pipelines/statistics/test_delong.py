"""DeLong's variance against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from clinical.errors import ConfigError
from pipelines.statistics.delong import delong, delong_interval
from pipelines.statistics.metrics import auroc_interval


def draw(cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    labels = (generator.random(cases) < 0.4).astype(float)
    shared = generator.normal(size=cases)
    scores = shared + generator.normal(size=(2, cases)) + np.outer([1.5, 1.0], labels)
    return scores.round(1), labels, [str(i) for i in range(cases)]


def brute_force(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Structural components by comparing every positive with every negative (DeLong 1988)."""
    x, y = scores[:, labels == 1, None], scores[:, None, labels == 0]
    wins = (x > y) + 0.5 * (x == y)
    by_positive, by_negative = wins.mean(axis=2), wins.mean(axis=1)
    m, n = by_positive.shape[1], by_negative.shape[1]
    return wins.mean(axis=(1, 2)), np.cov(by_positive) / m + np.cov(by_negative) / n


@pytest.mark.parametrize("seed", range(5))
def test_the_fast_algorithm_is_the_definition_also_with_ties(seed: int) -> None:
    scores, labels, _ = draw(70, seed)
    areas, covariance = delong(scores, labels)
    expected = brute_force(scores, labels)
    np.testing.assert_allclose(areas, expected[0])
    np.testing.assert_allclose(covariance, expected[1])
    np.testing.assert_allclose(areas, [roc_auc_score(labels, row) for row in scores])


def test_by_hand() -> None:
    # Positives 3, 1 and negatives 2, 0: components 1, 1/2 and 1/2, 1; variance (1/8 + 1/8) / 2.
    areas, covariance = delong(np.array([[3.0, 1.0, 2.0, 0.0]]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert areas == pytest.approx([0.75])
    assert covariance == pytest.approx(np.array([[0.125]]))


def test_it_agrees_with_the_bootstrap_where_both_may_be_used() -> None:
    scores, labels, people = draw(400)
    fast, slow = (
        delong_interval(scores[0], labels, people),
        auroc_interval(scores[0], labels, people),
    )
    assert (fast.value, fast.low, fast.high) == pytest.approx(
        (slow.value, slow.low, slow.high), abs=0.006
    )


def test_several_cases_of_a_patient_are_refused_only_if_they_count() -> None:
    scores, labels, people = draw(50)
    people[1] = people[0]
    with pytest.raises(ConfigError, match="patient bootstrap"):
        delong_interval(scores[0], labels, people)
    labels[1] = np.nan
    assert delong_interval(scores[0], labels, people).cases == 49


def test_one_outcome_is_not_defined() -> None:
    scores, labels, people = draw(20)
    assert delong_interval(scores[0], 0 * labels, people).value is None
