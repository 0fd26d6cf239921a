"""Values of rows lie where they should on their common scale."""

from __future__ import annotations

import re

from pipelines.reports.figures.row_scale import RowScale

SCALE = RowScale((0.5, 0.75, 1.0), 100, 300)


def test_values_lie_between_the_ticks_and_those_beyond_on_the_edge() -> None:
    assert [SCALE.at(value) for value in (0.5, 0.6, 1.0)] == [100, 140, 300]
    assert (SCALE.at(0.1), SCALE.at(7)) == (100, 300)


def test_every_tick_has_a_line_and_its_number_below() -> None:
    drawn = SCALE.grid(10, 50)
    paths = re.findall(r'd="([^"]+)"', "".join(drawn))
    assert paths == [f"M{x:.1f} 10.0L{x:.1f} 50.0" for x in (100, 200, 300)]
    numbers = re.findall(r'x="([0-9.]+)" y="66.0"[^>]*>([^<]+)<', "".join(drawn))
    assert numbers == [("100.0", "0.5"), ("200.0", "0.75"), ("300.0", "1")]


def test_an_estimate_is_a_dot_within_its_interval() -> None:
    interval, dot = SCALE.estimate(0.6, 0.7, 0.8, 20)
    assert 'd="M140.0 20.0L220.0 20.0"' in interval
    assert 'cx="180.0" cy="20.0"' in dot
