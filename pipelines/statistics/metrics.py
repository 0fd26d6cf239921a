"""Discrimination with intervals that respect patients: whole patients are resampled, not cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.model.calibration import auroc

LEAST_OF_EACH = 2

Weights = NDArray[np.uint8]
"""How often each case is drawn in each bootstrap sample [samples, cases]."""

_AT_ONCE = 2_000_000
"""Weights that are widened to 64 bits at a time."""


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


def bootstrap_weights(patients: Sequence[str], samples: int, seed: int) -> Weights:
    """How often each case is drawn in each sample [samples, cases]; patients drawn whole.

    A byte each, since this is the one array of a study that grows with cases times samples. That a
    patient is drawn more than 255 times out of n, each with chance 1 / n, does not happen.
    """
    return _drawn(tuple(patients), samples, seed)


@lru_cache(maxsize=2)
def _drawn(patients: tuple[str, ...], samples: int, seed: int) -> Weights:
    """Kept for the next caller, since nearly all figures are of the same patients."""
    names, member = np.unique(np.asarray(patients), return_inverse=True)
    generator = np.random.default_rng(seed)
    chances = np.full(len(names), 1 / len(names))
    weights = np.empty((samples, len(patients)), dtype=np.uint8)
    for sample in range(samples):
        weights[sample] = generator.multinomial(len(names), chances)[member]
    weights.setflags(write=False)
    return weights


def weighted_sums(weights: Weights, values: NDArray[Any]) -> NDArray[np.float64]:
    """`weights @ values` in 64 bits: sums over the drawn cases, in every sample.

    Args:
        weights: [samples, cases].
        values: [cases] or [cases, columns], of any kind of number.

    Returns:
        [samples] or [samples, columns].
    """
    wide = values.astype(np.float64)
    parts = [rows.astype(np.float64) @ wide for rows in in_parts(weights)]
    return np.concatenate(parts) if parts else np.zeros((0, *wide.shape[1:]))


def in_parts(weights: Weights) -> list[Weights]:
    """Samples in groups that fit into memory when they are made wide."""
    rows = max(1, _AT_ONCE // max(1, weights.shape[1]))
    return [weights[start : start + rows] for start in range(0, len(weights), rows)]


def with_all(weights: Weights) -> Weights:
    """The weights with every case once as a first sample, which gives the figure itself."""
    return np.concatenate([np.ones((1, weights.shape[1]), dtype=np.uint8), weights])


def auroc_interval(
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """AUROC with a patient-bootstrap 95% interval; cases with a NaN score or label are left out."""
    return _contrast([scores], labels, patients, samples, seed)


def auroc_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    labels: NDArray[np.float64],
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """AUROC of `first` minus `second` on the cases that have both, paired patient bootstrap."""
    return _contrast([first, second], labels, patients, samples, seed)


def _contrast(
    scores: Sequence[NDArray[np.float64]],
    labels: NDArray[np.float64],
    patients: Sequence[str],
    samples: int,
    seed: int,
) -> Interval:
    """AUROC of the first scores, less that of the second if there are two."""
    known = ~np.isnan([*scores, labels]).any(axis=0)
    y, people = labels[known], np.asarray(patients)[known].tolist()
    cases, positives = len(y), int(y.sum())
    if not both(y):
        return Interval(None, None, None, cases, positives)
    weights = bootstrap_weights(people, samples, seed)
    value = np.subtract.reduce([auroc(x[known], y) for x in scores])
    drawn = np.subtract.reduce([weighted_aurocs(x[known], y, weights) for x in scores])
    return interval(float(value), drawn, cases, positives)


def weighted_aurocs(
    scores: NDArray[np.float64], labels: NDArray[np.float64], weights: Weights
) -> NDArray[np.float64]:
    """AUROC of each bootstrap sample [samples]; NaN where a sample holds one outcome only."""
    values, place = np.unique(scores, return_inverse=True)
    areas = np.full(len(weights), np.nan)
    # Sample by sample: all at once would hold a number for every case and sample, several times.
    for sample, row in enumerate(weights):
        positive = np.bincount(place, row * labels, len(values))
        negative = np.bincount(place, row * (1 - labels), len(values))
        below = np.cumsum(negative) - negative
        pairs = positive.sum() * negative.sum()
        if pairs > 0:
            areas[sample] = (positive * (below + negative / 2)).sum() / pairs
    return areas


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


def calibration_error_floor(
    probabilities: NDArray[np.float64], *, draws: int = 200, seed: int = 0, bins: int = 15
) -> float:
    """Mean calibration error of outcomes drawn from `probabilities` [cases] themselves.

    What a perfectly calibrated forecast would show with so few cases: the error is biased upwards.
    """
    p = probabilities[~np.isnan(probabilities)]
    if not len(p):
        return float("nan")
    generator = np.random.default_rng(seed)
    place = np.minimum((p * bins).astype(int), bins - 1)
    expected = np.bincount(place, p, bins)
    errors = []
    for _ in range(draws):
        drawn = np.bincount(place, generator.random(len(p)) < p, bins)
        errors.append(np.abs(drawn - expected).sum() / len(p))
    return float(np.mean(errors))


def log_loss(probabilities: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Mean negative log likelihood of known outcomes in nats; NaN where there is none."""
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = np.clip(probabilities[known], 1e-6, 1 - 1e-6), labels[known]
    return float(-(y * np.log(p) + (1 - y) * np.log1p(-p)).mean()) if len(p) else float("nan")


def macro_auroc(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float | None:
    """Mean AUROC over the diagnoses for which it is defined; scores and labels [cases, labels]."""
    areas = []
    for x, y in zip(scores.T, labels.T, strict=True):
        known = ~(np.isnan(x) | np.isnan(y))
        if both(y[known]):
            areas.append(auroc(x[known], y[known]))
    return float(np.mean(areas)) if areas else None


def both(labels: NDArray[np.float64]) -> bool:
    """Whether known labels hold enough of either outcome for an AUROC with an interval."""
    return bool(min(labels.sum(), (1 - labels).sum()) >= LEAST_OF_EACH)


@dataclass(frozen=True, eq=False)
class Areas:
    """Areas under a curve, one a label, and their bootstrap samples.

    Attributes:
        value: [labels]; NaN where not defined.
        samples: [bootstrap samples, labels].
    """

    value: NDArray[np.float64]
    samples: NDArray[np.float64]


Measure = Callable[[NDArray[np.float64], NDArray[np.float64], Weights], NDArray[np.float64]]
"""Scores and labels [cases] and weights [samples, cases] to one figure of each sample."""


def areas_of(
    scores: NDArray[np.float64],
    labels: NDArray[np.float64],
    weights: Weights,
    measure: Measure = weighted_aurocs,
) -> Areas:
    """A figure of every diagnosis, averaged over repeats, within every bootstrap sample.

    Args:
        scores: [repeats, cases, labels]; a case that is NaN in any repeat is left out.
        labels: [cases, labels]; NaN for unknown.
        weights: [samples, cases] from `bootstrap_weights`.
        measure: AUROC, or another that is taken alike.
    """
    value = np.full(labels.shape[1], np.nan)
    samples = np.full((len(weights), labels.shape[1]), np.nan)
    for column in range(labels.shape[1]):
        x, y = scores[:, :, column], labels[:, column]
        known = ~(np.isnan(x).any(axis=0) | np.isnan(y))
        if not both(y[known]):
            continue
        drawn = with_all(weights[:, known])
        mean = np.mean([measure(row[known], y[known], drawn) for row in x], axis=0)
        value[column], samples[:, column] = mean[0], mean[1:]
    return Areas(value, samples)


def known_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis without the undefined; NaN where all are."""
    known = np.isfinite(values)
    number = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.asarray(np.where(number > 0, total / np.maximum(number, 1), np.nan))


def macro_of(areas: Areas) -> Interval:
    """Mean over the labels that have an AUROC, with its interval."""
    return interval(float(known_mean(areas.value)), known_mean(areas.samples))


def interval(
    value: float, samples: NDArray[np.float64], cases: int = 0, positives: int = 0
) -> Interval:
    """A value with the 95% range of its bootstrap samples; not defined where it is NaN."""
    known = samples[np.isfinite(samples)]
    if not np.isfinite(value) or not len(known):
        return Interval(None, None, None, cases, positives)
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(value), float(low), float(high), cases, positives)
