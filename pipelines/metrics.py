"""Discrimination with intervals that respect patients: whole patients are resampled, not cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.calibration import auroc

LEAST_OF_EACH = 2


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval.

    Attributes:
        value: on all cases, or None where it is not defined (only one outcome present).
        low, high: 2.5 and 97.5 percentile of the patient bootstrap, or None.
        cases, positives: how many cases with a known outcome it rests on.
    """

    value: float | None
    low: float | None
    high: float | None
    cases: int
    positives: int

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_weights(patients: Sequence[str], samples: int, seed: int) -> NDArray[np.int64]:
    """How often each case is drawn in each sample [samples, cases]; patients drawn whole."""
    names, member = np.unique(np.asarray(patients), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=samples)
    return counts[:, member]


def auroc_interval(
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """AUROC with a patient-bootstrap 95% interval; cases with a NaN score or label are left out."""
    known = ~(np.isnan(scores) | np.isnan(labels))
    x, y = scores[known], labels[known]
    people = np.asarray(patients)[known]
    positives = int(y.sum())
    if min(positives, len(y) - positives) < LEAST_OF_EACH:
        return Interval(None, None, None, len(y), positives)
    weights = bootstrap_weights(people.tolist(), samples, seed)
    areas = weighted_aurocs(x, y, weights)
    areas = areas[~np.isnan(areas)]
    low, high = np.quantile(areas, [0.025, 0.975])
    return Interval(auroc(x, y), float(low), float(high), len(y), positives)


def auroc_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    labels: NDArray[np.float64],
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """AUROC of `first` minus `second` on the same cases, paired patient bootstrap."""
    known = ~(np.isnan(first) | np.isnan(second) | np.isnan(labels))
    y = labels[known]
    positives = int(y.sum())
    if min(positives, len(y) - positives) < LEAST_OF_EACH:
        return Interval(None, None, None, len(y), positives)
    weights = bootstrap_weights(np.asarray(patients)[known].tolist(), samples, seed)
    gains = weighted_aurocs(first[known], y, weights) - weighted_aurocs(second[known], y, weights)
    low, high = np.nanquantile(gains, [0.025, 0.975])
    value = auroc(first[known], y) - auroc(second[known], y)
    return Interval(value, float(low), float(high), len(y), positives)


def weighted_aurocs(
    scores: NDArray[np.float64], labels: NDArray[np.float64], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """AUROC of each bootstrap sample [samples]; NaN where a sample holds one outcome only."""
    values, place = np.unique(scores, return_inverse=True)
    positive = np.zeros((len(weights), len(values)))
    negative = np.zeros((len(weights), len(values)))
    for sample, row in enumerate(weights):
        positive[sample] = np.bincount(place, row * labels, len(values))
        negative[sample] = np.bincount(place, row * (1 - labels), len(values))
    below = np.cumsum(negative, axis=1) - negative
    wins = (positive * (below + negative / 2)).sum(axis=1)
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(pairs > 0, wins / np.where(pairs > 0, pairs, 1), np.nan)


def expected_calibration_error(
    probabilities: NDArray[np.float64], labels: NDArray[np.float64], bins: int = 15
) -> float:
    """Mean |confidence - frequency| over equal-width bins, weighted by cases (Naeini 2015)."""
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [
        abs(p[place == b].mean() - y[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    ]
    return float(sum(gaps))


def calibration_floor(
    probabilities: NDArray[np.float64], *, samples: int = 200, seed: int = 0
) -> float:
    """Mean calibration error if the probabilities were exactly right: what chance alone gives.

    Outcomes are drawn from the probabilities themselves. The error of a finite number of cases is
    never 0 (Broecker and Smith 2007, doi 10.1175/WAF993.1), so this is what it has to be held to.
    """
    known = probabilities[~np.isnan(probabilities)]
    generator = np.random.default_rng(seed)
    drawn = generator.random((samples, len(known))) < known
    return float(np.mean([expected_calibration_error(known, row.astype(float)) for row in drawn]))
