"""How long readings took: active seconds up to the first signature, not counting idle time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.agreement.cells import LEAST, Cell
from pipelines.agreement.readings import Reading


@dataclass(frozen=True)
class Took:
    """One cell.

    Attributes:
        model, reader, period: of the cell; "" for all readers or months.
        measured, not_measured: readings with a time, and without one.
        lower, median, upper: quartiles in seconds (linear between values, type 7 of Hyndman and
            Fan 1996); None where fewer than `LEAST` were measured.
    """

    model: str
    reader: str
    period: str
    measured: int
    not_measured: int
    lower: float | None
    median: float | None
    upper: float | None


def took(grouped: Mapping[Cell, Sequence[Reading]]) -> list[Took]:
    """A row for every cell with a signed reading."""
    rows = []
    for cell, readings in grouped.items():
        times = [one.passage.seconds.get(one.reader.name) for one in readings]
        known = [time for time in times if time is not None]
        quartiles: list[float | None] = [None, None, None]
        if len(known) >= LEAST:
            quartiles = [float(q) for q in np.quantile(known, [0.25, 0.5, 0.75])]
        rows.append(Took(*cell, len(known), len(times) - len(known), *quartiles))
    return rows
