"""Round numbers that hold what is shown."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pipelines.reports.figures.scales import MOST_TICKS, area_ticks, count_ticks


@pytest.mark.parametrize(
    ("areas", "ticks"),
    [
        ([0.81, 0.86], (0.8, 0.82, 0.84, 0.86)),
        ([0.5, 0.79], (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)),
        ([0.3, 0.8], (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)),
        ([0.0, 1.0], (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        ([0.999, 1.0], (0.96, 0.98, 1.0)),
    ],
)
def test_areas_lie_between_round_ticks(areas: list[float], ticks: tuple[float, ...]) -> None:
    assert area_ticks(areas) == ticks


@pytest.mark.parametrize("low", [0.0, 0.37, 0.5, 0.87, 0.99, 1.0])
@pytest.mark.parametrize("width", [0.0, 0.03, 0.3])
def test_ticks_hold_every_range(low: float, width: float) -> None:
    high = min(low + width, 1.0)
    ticks = area_ticks([low, high])
    assert ticks[0] <= low <= high <= ticks[-1] <= 1
    assert 3 <= len(ticks) <= MOST_TICKS


def test_without_areas_there_is_an_axis() -> None:
    assert (area_ticks([])[0], area_ticks([])[-1]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("most", "step", "end"), [(1, 1, 1), (7, 2, 8), (95, 20, 100), (2400, 500, 2500)]
)
def test_counts_go_up_in_round_steps(most: int, step: int, end: int) -> None:
    ticks = count_ticks(most)
    assert (ticks[0], ticks[-1]) == (0, end)
    assert {b - a for a, b in pairwise(ticks)} == {step}
