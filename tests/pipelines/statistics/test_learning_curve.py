"""A power law through AUROCs, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.errors import ConfigError
from pipelines.statistics.learning_curve import learning_curve, one_step

SIZES = (100, 200, 400, 800, 1600, 3200)


def areas(a: float, b: float, c: float, sizes: tuple[int, ...] = SIZES) -> np.ndarray:
    return 1 - a - b * np.asarray(sizes, dtype=float) ** -c


def with_error(values: np.ndarray, error: float | np.ndarray, samples: int = 300) -> np.ndarray:
    """Samples [samples, points] in which the points vary independently of one another."""
    return np.random.default_rng(0).normal(values, error, size=(samples, len(values)))


def test_a_known_curve_is_found() -> None:
    truth = areas(0.10, 2.0, 0.5)
    found = learning_curve(SIZES, truth, with_error(truth, 0.001))
    assert found.because == ""
    assert found.asymptote == pytest.approx(0.10, abs=0.003)
    assert found.rate == pytest.approx(0.5, rel=0.03)
    assert found.scale == pytest.approx(2.0, rel=0.1)
    assert found.largest == 3200
    assert found.gain.value == pytest.approx(2 * (3200**-0.5 - 6400**-0.5), rel=0.05)
    assert (found.gain.low or 9) < (found.gain.value or 0) < (found.gain.high or 0)
    assert (found.rate_low or 9) < 0.5 < (found.rate_high or 0)


def test_no_error_below_zero_is_promised() -> None:
    truth = areas(0.0, 1.5, 0.4)
    found = learning_curve(SIZES, truth - 0.001 * np.arange(6), with_error(truth, 0.01))
    assert (found.asymptote or 0) >= 0


def test_the_gain_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = areas(0.10, 2.0, 0.5)
    gain = 2 * (3200**-0.5 - 6400**-0.5)
    generator = np.random.default_rng(0)
    covered, judged = 0, 0
    for _ in range(60):
        seen = generator.normal(truth, 0.004)
        found = learning_curve(SIZES, seen, with_error(seen, 0.004, 200))
        if not found.because:
            judged += 1
            covered += (found.gain.low or 0) <= gain <= (found.gain.high or 0)
    assert judged >= 50
    assert covered / judged >= 0.85


def test_a_precise_point_counts_for_more() -> None:
    seen = areas(0.10, 2.0, 0.5)
    seen[2] -= 0.05
    trusted = np.full(6, 0.001)
    doubted = np.where(np.arange(6) == 2, 1.0, trusted)
    found = learning_curve(SIZES, seen, with_error(seen, doubted, 50))
    assert found.rate == pytest.approx(0.5, rel=0.05)
    misled = learning_curve(SIZES, seen, with_error(seen, trusted, 50))
    assert misled.rate != pytest.approx(0.5, rel=0.05)


def test_what_the_points_share_does_not_widen_the_gain() -> None:
    truth = areas(0.10, 2.0, 0.5)
    apart = with_error(truth, 0.004)
    shared = truth + (apart[:, :1] - truth[0])
    alone = learning_curve(SIZES, truth, apart).gain
    together = learning_curve(SIZES, truth, shared).gain
    width = (together.high or 0) - (together.low or 0)
    assert width < 0.3 * ((alone.high or 0) - (alone.low or 0))


def test_a_flat_line_is_no_curve() -> None:
    seen = np.array([0.80, 0.81, 0.80, 0.79, 0.80, 0.81])
    found = learning_curve(SIZES, seen, with_error(seen, 0.02))
    assert "does not fall" in found.because
    assert found.gain.value is None
    worse = learning_curve(SIZES, areas(0.1, 2.0, 0.5)[::-1], with_error(seen, 0.002))
    assert "does not fall" in worse.because


def test_a_curve_that_may_be_any_curve_is_none() -> None:
    truth = areas(0.10, 2.0, 0.5)
    found = learning_curve(SIZES, truth, with_error(truth, 0.04))
    assert found.because == "rates from 0.14 to 2.00 fit the points about as well"
    assert (found.rate, found.asymptote, found.gain.value) == (None, None, None)
    assert "does not fall" in learning_curve(SIZES, truth, with_error(truth, 0.2)).because


def test_points_that_scatter_beyond_their_own_error_widen_the_gain() -> None:
    truth = areas(0.10, 2.0, 0.5, SIZES * 3)
    scattered = truth + np.random.default_rng(0).normal(0, 0.01, len(truth))
    draws = with_error(np.zeros(len(truth)), 0.002)
    quiet = learning_curve(SIZES * 3, truth, truth + draws).gain
    loud = learning_curve(SIZES * 3, scattered, scattered + draws).gain
    assert (loud.high or 0) - (loud.low or 0) > 3 * ((quiet.high or 0) - (quiet.low or 0))


def test_too_few_sizes_are_said() -> None:
    truth = areas(0.1, 2.0, 0.5)
    found = learning_curve((100, 100, 200, 200, 400, 400), truth, with_error(truth, 0.001))
    assert found.because == "3 sizes, 4 are needed"
    holes = np.where(np.arange(6) < 3, np.nan, truth)
    assert learning_curve(SIZES, holes, with_error(truth, 0.001)).because.startswith("3 sizes")
    assert learning_curve((), np.empty(0), np.empty((5, 0))).largest == 0


def test_no_patient_is_refused() -> None:
    with pytest.raises(ConfigError, match="no patient"):
        learning_curve((0, 1, 2, 3), np.ones(4), np.ones((2, 4)))


def test_one_step_is_known_where_the_shape_is_not() -> None:
    sizes, generator = [25, 50, 100, 200], np.random.default_rng(0)
    areas = 1 - (0.2 + 0.5 * np.array(sizes, dtype=float) ** -0.5)
    draws = areas + generator.normal(0, 0.006, (400, 4))
    gain, because = one_step(sizes, areas, draws, further=100)
    truth = 0.5 * (200**-0.5 - 300**-0.5)
    assert because == ""
    assert gain.low is not None
    assert gain.high is not None
    assert 0 <= gain.low < truth < gain.high < 0.03


def test_one_step_along_a_flat_line_is_not_estimated() -> None:
    draws = 0.8 + np.random.default_rng(0).normal(0, 0.01, (400, 4))
    gain, because = one_step([25, 50, 100, 200], np.full(4, 0.8), draws, further=100)
    assert gain.value is None
    assert "does not fall" in because
