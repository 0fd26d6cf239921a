"""Figures of the report: intervals by row, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.reports.figures.axes import COLOURS, SOFT, line, text
from pipelines.reports.figures.figure import Figure, figure
from pipelines.reports.figures.row_scale import RowScale
from pipelines.statistics.metrics import Interval

WIDTH, NAMES, LEFT, RIGHT = 760, 16, 300, 570
TOP, ROW = 54, 22
_BARE = 28


@dataclass(frozen=True)
class Span:
    """One row: a value with the ends of its interval or its quartiles.

    Attributes:
        name: of the row.
        note: the figures in words, at its end.
        low, value, high: None where there are none.
        usual: what it is compared with, drawn as a hollow square, or None.
    """

    name: str
    note: str
    low: float | None = None
    value: float | None = None
    high: float | None = None
    usual: float | None = None


def span(name: str, note: str, found: Interval, usual: float | None = None) -> Span:
    """A row of an estimate."""
    return Span(name, note, found.low, found.value, found.high, usual)


def spans(title: str, unit: str, rows: Sequence[Span], ticks: Sequence[float]) -> Figure:
    """A row for each span, on one scale.

    Args:
        title: above it; also what a screen reader says.
        unit: of the scale, as words above the figures.
        rows: from the top.
        ticks: of the scale, rising; values beyond lie on its edge.
    """
    bottom = TOP + ROW * len(rows)
    drawn = [text(title, (NAMES, 20), bold=True, room=WIDTH - 2 * NAMES)]
    drawn.append(text(unit, (RIGHT + 14, 42), size=11, room=WIDTH - RIGHT - 20))
    scale = RowScale(ticks, LEFT, RIGHT)
    drawn += scale.grid(TOP - 6, bottom)
    for number, row in enumerate(rows):
        drawn += _span(row, TOP + ROW * number + 12, scale)
    return figure(drawn, WIDTH, bottom + _BARE, title)


def bars(title: str, rows: Sequence[tuple[str, int]]) -> Figure:
    """A bar for each name and count.

    Args:
        title: above it; also what a screen reader says.
        rows: at least one, with a count above 0.
    """
    most = max(count for _, count in rows)
    left, room = 420, WIDTH - 420 - 60
    drawn = [text(title, (NAMES, 20), bold=True, room=WIDTH - 2 * NAMES)]
    for number, (name, count) in enumerate(rows):
        y = 44 + ROW * number
        length = room * count / most
        drawn.append(text(name, (NAMES, y + 4), size=12, room=left - NAMES - 12))
        drawn.append(line([(left, y), (left + length, y)], COLOURS[0], 12))
        drawn.append(text(str(count), (left + length + 8, y + 4), size=12))
    return figure(drawn, WIDTH, 44 + ROW * len(rows), title)


def _span(row: Span, y: float, scale: RowScale) -> list[str]:
    drawn = [text(row.name, (NAMES, y + 4), size=12, room=LEFT - NAMES - 14)]
    if row.usual is not None:
        x = scale.at(row.usual)
        corners = [(x - 4, y - 4), (x + 4, y - 4), (x + 4, y + 4), (x - 4, y + 4), (x - 4, y - 4.8)]
        drawn.append(line(corners, SOFT, 1.6))
    if row.value is not None and row.low is not None and row.high is not None:
        drawn += scale.estimate(row.low, row.value, row.high, y)
    return [*drawn, text(row.note, (RIGHT + 14, y + 4), size=12, room=WIDTH - RIGHT - 20)]
