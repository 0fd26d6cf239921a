"""Which case is read first: the rule of docs/worklist.md as a table."""

from __future__ import annotations

import pytest

from clinical.review.priority import Level, level


@pytest.mark.parametrize(
    ("dangerous", "withheld", "reviewed", "expected"),
    [
        (0.9, False, False, "now"),
        (0.5, False, False, "now"),
        (0.49, False, False, "soon"),
        (0.15, False, False, "soon"),
        (0.14, False, False, "routine"),
        (None, False, False, "routine"),
        (None, True, False, "soon"),
        (0.9, False, True, "done"),
        (None, True, True, "done"),
    ],
)
def test_level(dangerous: float | None, withheld: bool, reviewed: bool, expected: Level) -> None:
    assert level(dangerous, opinion_withheld=withheld, reviewed=reviewed) == expected
