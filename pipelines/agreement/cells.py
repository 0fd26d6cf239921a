"""Cells of the report (model, reader, month) and proportions in them, where counts suffice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from pipelines.agreement.readings import Opened, Reading
from pipelines.statistics.metrics import Interval
from pipelines.statistics.proportions import proportion

ALL = ""
"""In the place of a reader, a month or a diagnosis: all of them together."""

LEAST = 5
"""A cell with fewer has its counts and no share: one case would move it by a quarter or more, and
it would tell of a person rather than of how people read."""


class Cell(NamedTuple):
    """A model, a reader or all, a month or all."""

    model: str
    reader: str
    period: str


def cells(readings: Iterable[Reading]) -> dict[Cell, list[Reading]]:
    """Readings by cell; each counts in four: its reader or all, its month or all."""
    found: defaultdict[Cell, list[Reading]] = defaultdict(list)
    for one in readings:
        for cell in _of(one.passage.model, one.reader.name, one.period):
            found[cell].append(one)
    return dict(sorted(found.items()))


def counts(openings: Iterable[Opened]) -> dict[Cell, int]:
    """How many were opened, by cell."""
    found: defaultdict[Cell, int] = defaultdict(int)
    for one in openings:
        for cell in _of(one.model, one.reader, one.period):
            found[cell] += 1
    return dict(found)


def share(count: int, total: int) -> Interval:
    """A share with Wilson's 95% interval; without a value where fewer than `LEAST` are counted."""
    return proportion(count, total) if total >= LEAST else Interval(None, None, None, total, count)


def _of(model: str, reader: str, period: str) -> list[Cell]:
    return [Cell(model, r, p) for r in (ALL, reader) for p in (ALL, period)]
