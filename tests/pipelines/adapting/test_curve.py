"""At which numbers of cases the curve is taken, and that parts are nested."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.adapting.curve import sizes
from pipelines.adapting.site import first_cases


@pytest.mark.parametrize(
    ("largest", "taken"),
    [
        (400, (25, 50, 100, 200, 400)),
        (80, (10, 20, 40, 80)),
        (30, (25, 30)),
        (12, (12,)),
    ],
)
def test_sizes(largest: int, taken: tuple[int, ...]) -> None:
    assert sizes(largest) == taken


def test_the_smaller_part_is_in_the_larger() -> None:
    people = [f"p{i // 2}" for i in range(40)]
    rows = np.arange(0, 40, dtype=np.intp)
    few, many = first_cases(rows, people, 10, 3), first_cases(rows, people, 25, 3)
    assert set(few) < set(many)
    assert len(few) == 10
    assert {people[i] for i in few} != {people[i] for i in first_cases(rows, people, 10, 4)}
