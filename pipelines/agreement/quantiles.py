"""Current values against the few training quantiles that a checkpoint keeps.

The distance is the Kolmogorov-Smirnov statistic at these quantiles: the largest gap between the
share of today's values below a quantile and the share that training had there. Between quantiles
nothing is known, so it is a lower bound of the whole statistic. Where many values are the same, the
gap counts only as far as it lies outside what the ties leave open. A population stability index is
not given: with ties its bins do not hold the same shares in training, and that is not kept.

The limit is that of Massart's form of the inequality of Dvoretzky, Kiefer and Wolfowitz (Ann
Probab 1990; 18: 1269-1283): P(D > d) <= 2 exp(-2 n d^2), for n independent values against a known
distribution. Cases are counted for n, since several values of one case are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt

import numpy as np

ALPHA = 0.05
_NUDGE = 1e-3  # of the spread: what `clinical.modalities.scale` puts between equal quantiles
_SLACK = 1e-6


@dataclass(frozen=True)
class Distance:
    """Today's values against the training quantiles.

    Attributes:
        statistic: 0 to 1.
        median: of today's values.
        usual: median of the training values.
        shift: median minus `usual`, in interquartile ranges of the training values.
    """

    statistic: float
    median: float
    usual: float
    shift: float


def distance(values: Sequence[float], edges: Sequence[float]) -> Distance:
    """How far values are from a training distribution.

    Args:
        values: at least one.
        edges: quantiles of training at equal steps from the lowest to the highest value; equal
            ones were nudged apart (`clinical.modalities.scale.quantile_edges`).
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    bounds = np.asarray(edges, dtype=np.float64)
    steps = len(bounds) - 1
    gaps = [0.0]
    for number, (least, edge) in enumerate(zip(_untied(bounds), bounds, strict=True)):
        usual = number / steps
        below = np.searchsorted(ordered, least, side="left") / len(ordered)
        up_to = np.searchsorted(ordered, edge, side="right") / len(ordered)
        gaps += [float(below - usual), float(usual - up_to)]
    quarters = np.interp([0.25, 0.5, 0.75], np.linspace(0, 1, steps + 1), bounds)
    middle, spread = float(np.median(ordered)), float(quarters[2] - quarters[0])
    return Distance(max(gaps), middle, float(quarters[1]), (middle - float(quarters[1])) / spread)


def limit(cases: int, looked_at: int) -> float:
    """What the statistic of so many cases stays below if nothing has changed.

    With 95% for all of the `looked_at` comparisons together (Bonferroni).
    """
    return sqrt(log(2 * max(looked_at, 1) / ALPHA) / (2 * cases))


def _untied(bounds: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[float]:
    """Every quantile, or the lowest that it may have been before it was nudged apart."""
    spread = max(float(bounds[-1] - bounds[0]), abs(float(bounds[0])) * 1e-3, 1e-6)
    step = spread * _NUDGE * (1 + _SLACK) + abs(spread) * _SLACK
    found = [float(bounds[0])]
    for before, edge in pairwise(bounds):
        found.append(found[-1] if edge - before <= step else float(edge))
    return found
