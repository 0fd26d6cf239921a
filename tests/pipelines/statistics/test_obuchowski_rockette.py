"""The analysis of a crossed reader study, digit for digit against the program that defined it.

Expected values are the output of OR-DBM MRMC 2.51 (Schartz, Hillis, Pesce and Berbaum, University
of Iowa) for the example of Van Dyke: trapezoidal area, jackknife.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.statistics import obuchowski_rockette as study
from tests.pipelines.statistics import van_dyke

FOUND = study.analyse(van_dyke.ratings(), van_dyke.truth())


def to(digits: int, *values: float) -> list[float]:
    return [round(value, digits) for value in values]


def test_figures_are_those_printed() -> None:
    assert FOUND.figures.T.round(8).tolist() == [
        [0.91964573, 0.94782609],
        [0.85877617, 0.90531401],
        [0.90386473, 0.92173913],
        [0.97310789, 0.99935588],
        [0.82979066, 0.92995169],
    ]


def test_components_are_those_printed() -> None:
    found = FOUND.components
    squares = to(8, found.ms_condition, found.ms_reader, found.ms_interaction)
    assert squares == [0.00479617, 0.00383620, 0.00055103]
    assert to(8, found.between_readers, found.interaction) == [0.00153500, 0.00020040]
    covariances = to(8, found.cov1, found.cov2, found.cov3, found.variance)
    assert covariances == [0.00034661, 0.00034407, 0.00023903, 0.00080229]


def test_components_of_dorfman_berbaum_and_metz_are_those_printed() -> None:
    found = study.dbm_components(FOUND.components)
    assert to(8, found.reader, found.case, found.condition_reader) == [
        0.00153500,
        0.02724923,
        0.00020040,
    ]
    assert to(8, found.condition_case, found.reader_case, found.error) == [
        0.01197530,
        0.01226473,
        0.03997160,
    ]


def test_readers_and_cases_at_random() -> None:
    found = FOUND.random_both
    assert found.test.denominator is not None
    assert to(2, found.test.statistic, found.test.denominator) == [4.46, 15.26]
    assert to(4, found.test.p) == [0.0517]
    (pair,) = found.differences
    assert to(5, pair.value, pair.error, pair.low, pair.high) == [
        -0.04380,
        0.02075,
        -0.08796,
        0.00036,
    ]
    assert [to(8, m.value, m.error, m.low, m.high) for m in found.means] == [
        [0.89703704, 0.03317360, 0.82522360, 0.96885048],
        [0.94083736, 0.02156637, 0.89413783, 0.98753689],
    ]


def test_the_same_readers_and_other_cases() -> None:
    found = FOUND.fixed_readers
    assert to(5, found.test.statistic) == [5.47595]
    assert to(4, found.test.p) == [0.0193]
    (pair,) = found.differences
    assert to(5, pair.error, pair.low, pair.high) == [0.01872, -0.08049, -0.00711]
    assert [to(8, m.error, m.low, m.high) for m in found.means] == [
        [0.02428971, 0.84943008, 0.94464399],
        [0.01677632, 0.90795637, 0.97371835],
    ]


def test_the_same_cases_and_other_readers() -> None:
    found = FOUND.fixed_cases
    assert to(2, found.test.statistic) == [8.70]
    assert to(4, found.test.p) == [0.0420]
    (pair,) = found.differences
    assert to(5, pair.error, pair.low, pair.high) == [0.01485, -0.08502, -0.00258]
    assert [to(8, m.error, m.low, m.high) for m in found.means] == [
        [0.02482994, 0.82809808, 0.96597599],
        [0.01615303, 0.89598936, 0.98568536],
    ]


def test_each_reader_alone() -> None:
    found = [one for (one,) in FOUND.by_reader]
    assert [to(5, d.value, d.error, d.low, d.high) for d in found] == [
        [-0.02818, 0.02551, -0.07818, 0.02182],
        [-0.04654, 0.02630, -0.09809, 0.00501],
        [-0.01787, 0.03121, -0.07904, 0.04330],
        [-0.02625, 0.01729, -0.06014, 0.00764],
        [-0.10016, 0.04406, -0.18651, -0.01381],
    ]
    assert [to(4, d.p)[0] for d in found] == [0.2693, 0.0768, 0.5668, 0.1290, 0.0230]


def made(seed: int, conditions: int = 3) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Ratings of 4 readers and 30 cases with effects of case, reader and both."""
    generator = np.random.default_rng(seed)
    truth = np.arange(30) < 12
    case = generator.normal(size=30) + 1.2 * truth
    reader = generator.normal(size=(4, 1)) * 0.3 + generator.normal(size=(4, 30)) * 0.6
    rated = case + reader + generator.normal(size=(conditions, 4, 30)) * 0.8
    return np.floor(rated * 2), truth


def test_the_test_is_that_of_pseudovalues() -> None:
    """Three-way analysis of variance of pseudovalues, as Dorfman, Berbaum and Metz had it."""
    ratings, truth = made(7)
    found = study.analyse(ratings, truth)
    cases = len(truth)
    whole = study.areas(ratings, truth)
    y = np.stack(
        [
            cases * whole - (cases - 1) * study.areas(ratings[..., kept], truth[kept])
            for kept in ~np.eye(cases, dtype=np.bool_)
        ],
        axis=-1,
    )
    c, r, n = y.shape
    t, j, k = y.mean((1, 2)), y.mean((0, 2)), y.mean((0, 1))
    tr, tc, m = y.mean(2), y.mean(1), y.mean()
    ms_t = r * n * ((t - m) ** 2).sum() / (c - 1)
    ms_tr = n * ((tr - t[:, None] - j + m) ** 2).sum() / ((c - 1) * (r - 1))
    ms_tc = r * ((tc - t[:, None] - k + m) ** 2).sum() / ((c - 1) * (n - 1))
    trc = y - tr[:, :, None] - tc[:, None, :] - y.mean(0)
    trc = trc + t[:, None, None] + j[None, :, None] + k[None, None, :] - m
    ms_trc = (trc**2).sum() / ((c - 1) * (r - 1) * (n - 1))
    expected = ms_t / (ms_tr + max(ms_tc - ms_trc, 0.0))
    # The jackknife's area is the mean pseudovalue only up to its bias, which is none for an area.
    assert found.random_both.test.statistic == pytest.approx(expected, rel=1e-9)


def test_areas_count_pairs() -> None:
    ratings, truth = made(3)
    for condition, reader in np.ndindex(ratings.shape[:2]):
        own = ratings[condition, reader]
        above = own[truth][:, None] - own[~truth][None, :]
        expected = (above > 0).mean() + (above == 0).mean() / 2
        assert study.areas(ratings, truth)[condition, reader] == pytest.approx(expected)


def test_sensitivity_rests_on_the_cases_with_the_disease_alone() -> None:
    ratings, truth = made(5)
    calls = (ratings > 0).astype(np.float64)
    other = calls.copy()
    other[..., ~truth] = 1 - other[..., ~truth]
    first = study.analyse(calls, truth, study.sensitivities)
    second = study.analyse(other, truth, study.sensitivities)
    assert first.components == second.components
    assert first.components.cases == truth.sum()
    without = study.analyse(calls, truth, study.specificities)
    assert without.components.cases == (~truth).sum()


def test_no_difference_is_found_as_often_as_promised() -> None:
    """400 studies without an effect of the condition: about 5% find one (Monte Carlo SE 1.1%)."""
    found = 0
    for seed in range(400):
        ratings, truth = made(1_000 + seed, conditions=2)
        found += study.analyse(ratings, truth).random_both.test.p < 0.05
    assert 4 <= found <= 30, found


def test_readers_who_never_err_give_no_division_by_zero() -> None:
    truth = np.arange(10) < 5
    ratings = np.broadcast_to(truth.astype(np.float64), (2, 3, 10)).copy()
    found = study.analyse(ratings, truth)
    assert found.random_both.test.statistic == 0
    assert found.random_both.test.p == 1
    assert found.fixed_readers.test.p == 1
    assert [d.value for d in found.random_both.differences] == [0]
