"""Achieved coverage of prediction sets."""

from __future__ import annotations

import numpy as np

from pipelines.statistics.coverage import covered


def test_a_case_is_covered_if_all_that_is_true_is_inside() -> None:
    true = np.array([[1, 1], [1, 1], [0, 0]], dtype=bool)
    inside = np.array([[1, 1], [1, 0], [0, 0]], dtype=bool)
    assert covered(true, inside).tolist() == [True, False, True]
