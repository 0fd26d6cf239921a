"""Shares and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.statistics.metrics import bootstrap_weights
from pipelines.statistics.proportions import (
    proportion,
    share,
    share_of_all,
    weighted_ratios,
    weighted_shares,
    wilson,
)


def test_wilson_by_hand() -> None:
    # Newcombe 1998, Stat Med 17:857, table I: 81 of 263 and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson(20, 20) == pytest.approx((1 - 0.1611, 1), abs=5e-5)
    assert np.isnan(wilson(0, 0)).all()


def test_a_proportion_of_independent_draws_has_wilsons_interval() -> None:
    found = proportion(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (found.positives, found.cases) == (81, 263)
    assert proportion(0, 0).value is None


def test_a_share_is_that_of_the_resampled_cases() -> None:
    held = np.array([True, False, True, True])
    among = np.array([True, True, False, True])
    weights = np.array([[2, 1, 1, 0], [0, 0, 4, 0]])
    np.testing.assert_allclose(weighted_shares(held, among, weights), [2 / 3, np.nan])


def test_the_interval_of_independent_cases_is_near_wilsons() -> None:
    held = np.arange(200) < 60
    people = [str(i) for i in range(200)]
    found = share(held, np.ones(200, bool), people, bootstrap_weights(people, 2000, 0))
    assert (found.value, found.cases, found.positives) == (0.3, 200, 60)
    assert (found.low, found.high) == pytest.approx(wilson(60, 200), abs=0.01)


def test_a_share_of_one_has_a_width_and_counts_patients() -> None:
    held = np.ones(40, bool)
    people = [str(i // 4) for i in range(40)]
    found = share(held, held, people, bootstrap_weights(people, 50, 0))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(wilson(10, 10)[0])
    none = share(~held, held, people, bootstrap_weights(people, 50, 0))
    assert none.high == pytest.approx(wilson(0, 10)[1])


def test_a_share_of_nothing_is_not_defined() -> None:
    empty = np.zeros(3, bool)
    assert share(empty, empty, list("abc"), bootstrap_weights(list("abc"), 9, 0)).value is None


def test_the_interval_widens_where_patients_bring_several_cases() -> None:
    held = np.repeat(np.arange(40) % 4 > 0, 5)
    each = share_of_all(held, [str(i) for i in range(200)], samples=500, seed=0)
    whole = share_of_all(held, [str(i // 5) for i in range(200)], samples=500, seed=0)
    assert each.value == whole.value == 0.75
    assert (whole.high or 0) - (whole.low or 0) > 1.5 * ((each.high or 0) - (each.low or 0))


def test_a_mean_over_repeats_is_a_share_too() -> None:
    held = np.array([1, 0.5, 0, 0.5, 1])  # of two repeats
    among = np.array([True, True, True, True, False])
    people = list("abcde")
    found = share(held, among, people, bootstrap_weights(people, 500, 0))
    assert (found.value, found.cases, found.positives) == (0.5, 4, 2)
    assert 0 <= (found.low or 0) < 0.5 < (found.high or 0) <= 1


def test_a_ratio_weighs_a_case_by_what_it_has() -> None:
    without, number = np.array([1.0, 0, 0]), np.array([1.0, 9, 0])
    weights = np.array([[1, 1, 1], [3, 0, 0], [0, 0, 3]])
    np.testing.assert_allclose(weighted_ratios(without, number, weights), [0.1, 1, np.nan])
