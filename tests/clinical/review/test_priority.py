"""Which case is read first: the rule of docs/worklist.md as a table."""

from __future__ import annotations

import pytest

from clinical.review.danger import Alarm
from clinical.review.priority import Level, level


@pytest.mark.parametrize(
    ("dangerous", "withheld", "reviewed", "alarm", "expected"),
    [
        (0.9, False, False, None, "now"),
        (0.5, False, False, None, "now"),
        (0.49, False, False, None, "soon"),
        (0.15, False, False, None, "soon"),
        (0.14, False, False, None, "routine"),
        (None, False, False, None, "routine"),
        (None, True, False, None, "soon"),
        (0.9, False, True, None, "done"),
        (None, True, True, None, "done"),
        (None, False, False, "now", "now"),
        (0.2, False, False, "now", "now"),
        (None, False, False, "soon", "soon"),
        (0.9, False, False, "soon", "now"),
        (None, False, True, "now", "done"),
    ],
)
def test_level(
    dangerous: float | None, withheld: bool, reviewed: bool, alarm: Alarm | None, expected: Level
) -> None:
    found = level(dangerous, opinion_withheld=withheld, reviewed=reviewed, alarm=alarm)
    assert found == expected
