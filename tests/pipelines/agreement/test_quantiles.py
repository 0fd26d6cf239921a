"""Values against a few quantiles of training, ties and all."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest

from clinical.modalities.scale import quantile_edges
from pipelines.agreement.quantiles import distance, limit

EDGES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0)


def test_by_hand() -> None:
    found = distance([3.5, 4.5, 5.5, 7.5], EDGES)
    # Training has 3/8 up to 3, where here is nothing; at 6 it has 6/8 and here 3/4.
    assert found.statistic == 0.375
    assert (found.median, found.usual) == (5.0, 4.0)
    assert found.shift == 0.25  # one, in a spread of 2 to 6


def test_a_sample_of_the_training_values_is_near() -> None:
    rng = np.random.default_rng(0)
    training = rng.normal(size=20_000)
    found = distance(rng.permutation(training)[:2000].tolist(), quantile_edges(training, 8))
    assert found.statistic < limit(2000, 1)
    moved = (rng.permutation(training)[:2000] + 0.5).tolist()
    assert distance(moved, quantile_edges(training, 8)).statistic > limit(2000, 1)


def test_ties_are_no_distance() -> None:
    # Four of five values are the same, so that most quantiles were nudged apart.
    training = [15.0] * 80 + [16.0] * 10 + [20.0] * 10
    edges = quantile_edges(training, 8)
    assert edges[1] > edges[0]
    assert distance(training, edges).statistic == pytest.approx(0, abs=1e-9)
    assert distance([20.0] * 10, edges).statistic > 0.7


def test_the_limit_is_massarts_for_all_comparisons_together() -> None:
    assert limit(100, 1) == pytest.approx(sqrt(log(2 / 0.05) / 200))  # 0.1358, as in tables
    assert limit(100, 30) == pytest.approx(sqrt(log(2 * 30 / 0.05) / 200))
