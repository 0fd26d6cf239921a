"""One scale for rows that stand below each other: a forest plot, or intervals by reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.reports.figures.axes import COLOURS, GRID, SMALL, dot, line, text
from pipelines.reports.figures.figure import INK


@dataclass(frozen=True)
class RowScale:
    """Where values lie across, in px.

    Attributes:
        ticks: values with a line and a number, rising; others beyond lie on the edge.
        left, right: places of the first and the last tick.
    """

    ticks: Sequence[float]
    left: float
    right: float

    def at(self, value: float) -> float:
        """Place of a value across."""
        low, high = self.ticks[0], self.ticks[-1]
        share = (min(max(value, low), high) - low) / (high - low)
        return self.left + share * (self.right - self.left)

    def grid(self, top: float, bottom: float, below: float = 16) -> list[str]:
        """Lines at the ticks, and their numbers so many px below."""
        drawn: list[str] = []
        for tick in self.ticks:
            x = self.at(tick)
            drawn.append(line([(x, top), (x, bottom)], GRID))
            drawn.append(text(f"{tick:g}", (x, bottom + below), "middle", SMALL))
        return drawn

    def estimate(self, low: float, value: float, high: float, y: float) -> list[str]:
        """A value as a dot on the line of its interval, `y` px down."""
        ends = [(self.at(low), y), (self.at(high), y)]
        return [line(ends, INK, 1.4), dot((self.at(value), y), COLOURS[0], 4.5)]
