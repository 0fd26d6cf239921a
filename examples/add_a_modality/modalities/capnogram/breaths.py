"""The breaths of a trace: from one rise of carbon dioxide to the next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clinical.case.shapes import Array

LEAST_RISE = 5.0
"""mmHg. A trace that rises and falls by less shows no breath."""


@dataclass(frozen=True)
class Breath:
    """One breath.

    Attributes:
        start, end: ms from the first sample.
        end_tidal: highest pressure of carbon dioxide in it, mmHg.
    """

    start: int
    end: int
    end_tidal: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / 1000


def breaths(trace: Array) -> tuple[Breath, ...]:
    """Every whole breath of a trace [time], in its order."""
    values = trace.values
    if trace.spacing is None or not values.size or np.ptp(values) < LEAST_RISE:
        return ()
    above = values > (values.min() + values.max()) / 2
    rises = np.flatnonzero(~above[:-1] & above[1:]) + 1
    step = 1000 * trace.spacing[0]
    return tuple(
        Breath(round(first * step), round(last * step), float(values[first:last].max()))
        for first, last in pairwise(rises.tolist())
    )
