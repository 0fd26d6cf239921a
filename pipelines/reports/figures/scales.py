"""Round numbers for axes whose range depends on what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

AREA_STEPS = (0.02, 0.05, 0.1, 0.2)
MOST_TICKS = 7


def area_ticks(areas: Sequence[float]) -> tuple[float, ...]:
    """Ticks that hold all AUROCs, at most 7, within 0 and 1; 0.5 to 1 where there are none."""
    low, high = (min(areas), max(areas)) if areas else (0.5, 1.0)
    for step in AREA_STEPS:
        first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
        last = max(last, first + 2)
        if last * step > 1:
            first, last = min(first, round(1 / step) - 2), round(1 / step)
        if last - first < MOST_TICKS:
            return tuple(round(n * step, 2) for n in range(first, last + 1))
    return (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def count_ticks(most: int) -> tuple[int, ...]:
    """Ticks from 0 to at least `most`, three to six of them, in steps of 1, 2 or 5 times a ten."""
    rough = max(most, 1) / 5
    ten = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = next(int(n * ten) for n in (1, 2, 5, 10) if n * ten >= rough)
    return tuple(range(0, ceil(max(most, 1) / step) * step + 1, step))
