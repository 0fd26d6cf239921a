"""Achieved coverage of prediction sets."""

from __future__ import annotations

import numpy as np

from pipelines.statistics.coverage import covered, share_interval


def test_a_case_is_covered_if_all_that_is_true_is_inside() -> None:
    true = np.array([[1, 1], [1, 1], [0, 0]], dtype=bool)
    inside = np.array([[1, 1], [1, 0], [0, 0]], dtype=bool)
    assert covered(true, inside).tolist() == [True, False, True]


def test_the_interval_widens_where_patients_bring_several_cases() -> None:
    held = np.repeat(np.arange(40) % 4 > 0, 5)
    each = share_interval(held, [str(i) for i in range(200)], samples=500, seed=0)
    whole = share_interval(held, [str(i // 5) for i in range(200)], samples=500, seed=0)
    assert each.value == whole.value == 0.75
    assert (whole.high or 0) - (whole.low or 0) > 1.5 * ((each.high or 0) - (each.low or 0))
