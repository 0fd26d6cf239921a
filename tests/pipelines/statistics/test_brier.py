"""Brier score: scikit-learn's value, an interval around it, and what the prevalence alone gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from pipelines.statistics.brier import brier_of_prevalence, brier_score


def test_the_value_is_that_of_scikit_learn_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(200)
    y = (rng.random(200) < p).astype(float)
    y[:5] = np.nan
    people = [f"p{n // 2}" for n in range(200)]
    found = brier_score(p, y, people, samples=200)
    assert found.value == pytest.approx(brier_score_loss(y[5:], p[5:]))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert found.cases == 195
    assert brier_of_prevalence(y[5:]) == pytest.approx(np.var(y[5:]))


def test_of_nobody_nothing_is_said() -> None:
    nobody = np.array([np.nan])
    assert brier_score(nobody, nobody, ["p"]).value is None
    assert brier_of_prevalence(np.array([])) is None
