"""Time that counts, and time that does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clinical.review.progress import Reader
from clinical.review.times import Attention, begun, noticed, resumed, timed

START = datetime(2031, 3, 4, 9, 40, tzinfo=UTC)


def after(attention: Attention, *seconds: float) -> Attention:
    for second in seconds:
        attention = noticed(attention, START + timedelta(seconds=second))
    return attention


# signs of life, in seconds after opening -> seconds that count, seconds that do not
TABLE: list[tuple[tuple[float, ...], float, float]] = [
    ((), 0, 0),
    ((5,), 5, 0),
    ((30, 60, 90), 90, 0),
    ((60,), 60, 0),
    ((61,), 0, 61),
    ((10, 200, 210), 20, 190),
    ((10, 5), 10, 0),  # a clock that was set back
]


@pytest.mark.parametrize(("seconds", "active", "idle"), TABLE, ids=str)
def test_a_long_gap_does_not_count(seconds: tuple[float, ...], active: float, idle: float) -> None:
    found = after(begun(START), *seconds)
    assert (found.active, found.idle) == (timedelta(seconds=active), timedelta(seconds=idle))


def test_time_on_another_case_counts_neither_way() -> None:
    there = after(begun(START), 20)
    back = after(resumed(there, START + timedelta(seconds=50)), 55)
    assert (back.active.seconds, back.idle.seconds) == (25, 0)
    assert back.first == START + timedelta(seconds=20)


def test_where_nobody_measured_the_payload_says_so() -> None:
    payload = timed(Reader("dr.ada", opened="then", shown="then"), None, START)
    assert payload["active_seconds"] is None
    assert payload["first_interaction"] == ""
    assert payload["signed"] == "2031-03-04T09:40:00.000000+00:00"
