"""Calibration: slope, intercept and reliability curve, on unseen patients.

The hierarchy of Van Calster, McLernon, van Smeden, Wynants and Steyerberg 2019, BMC Med 17:230:
mean calibration (in the large), weak calibration (slope and intercept), moderate calibration (the
curve). Calibration error is `pipelines.statistics.metrics.expected_calibration_error`; its interval
is here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from pipelines.statistics.metrics import (
    Interval,
    Weights,
    bootstrap_weights,
    both,
    expected_calibration_error,
    in_parts,
    interval,
    weighted_sums,
    with_all,
)
from pipelines.statistics.proportions import wilson

Values = NDArray[np.float64]

EDGE = 1e-6
"""Probabilities are kept this far from 0 and 1 before their logit is taken, as in `log_loss`."""

_STEPS = 40
_LONGEST_STEP = 2.0
_DONE = 1e-8


@dataclass(frozen=True)
class WeakCalibration:
    """Logistic recalibration of the logit.

    Attributes:
        slope: 1 is ideal; below 1 the probabilities are too extreme, above 1 too moderate.
        intercept: with the slope free; 0 is ideal together with a slope of 1.
        in_the_large: intercept with the slope fixed at 1; below 0 the probabilities are too high
            on average.
        undefined: bootstrap samples in which the slope is not defined, because they hold one
            outcome only or the probabilities separate the outcomes; the intervals leave them out.
    """

    slope: Interval
    intercept: Interval
    in_the_large: Interval
    undefined: int


@dataclass(frozen=True)
class Bin:
    """Cases with about the same probability.

    Attributes:
        predicted: their mean probability.
        observed: share of them that is positive.
        low, high: Wilson's 95% interval of `observed`, which takes cases as independent.
        cases: how many.
    """

    predicted: float
    observed: float
    low: float
    high: float
    cases: int


def weak_calibration(
    probabilities: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> WeakCalibration:
    """Calibration slope, intercept and calibration in the large with patient-bootstrap intervals.

    Args:
        probabilities, labels: [cases]; a case that is NaN in either is left out.
        patients: of every case.
        samples, seed: of the bootstrap.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    cases, positives = len(y), int(y.sum())
    if not both(y):
        nothing = Interval(None, None, None, cases, positives)
        return WeakCalibration(nothing, nothing, nothing, samples)
    weights = with_all(bootstrap_weights(np.asarray(patients)[known].tolist(), samples, seed))
    lines = weighted_lines(p, y, weights)
    columns = (lines[:, 1], lines[:, 0], weighted_in_the_large(p, y, weights))
    slope, intercept, large = (interval(float(c[0]), c[1:], cases, positives) for c in columns)
    return WeakCalibration(slope, intercept, large, int(np.isnan(lines[1:, 1]).sum()))


def weighted_lines(probabilities: Values, labels: Values, weights: Weights) -> Values:
    """Maximum-likelihood intercept and slope of the logit in every sample [samples, 2].

    NaN where there is no finite one.

    Args:
        probabilities, labels: [cases], all known.
        weights: [samples, cases], how often each case is drawn.
    """
    x = logit(np.clip(probabilities, EDGE, 1 - EDGE))
    spread = float(x.std()) if len(x) else 0.0
    if spread == 0:
        return np.full((len(weights), 2), np.nan)
    middle = float(x.mean())
    found = np.concatenate(
        [_line((x - middle) / spread, labels, rows) for rows in in_parts(weights)]
    )
    slope = found[:, 1] / spread
    return np.stack([found[:, 0] - slope * middle, slope], axis=1)


def _line(x: Values, y: Values, weights: Weights) -> Values:
    """Newton's method for all samples at once; x is standardised so that one step suits all."""
    theta = np.zeros((len(weights), 2))
    size = np.full(len(weights), np.inf)
    for _ in range(_STEPS):
        p = expit(theta[:, :1] + theta[:, 1:] * x)
        slack, curve = weights * (y - p), weights * p * (1 - p)
        g0, g1 = slack.sum(axis=1), slack @ x
        h00, h01, h11 = curve.sum(axis=1), curve @ x, curve @ (x * x)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            det = h00 * h11 - h01**2
            step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1) / det[:, None]
            size = np.hypot(step[:, 0], step[:, 1])
            # Where the outcomes are separated there is no maximum, and no step ever is small.
            theta = theta + step * np.minimum(1, _LONGEST_STEP / size)[:, None]
        if not (size > _DONE).any():
            break
    return np.where((size <= _DONE)[:, None], theta, np.nan)


def weighted_in_the_large(probabilities: Values, labels: Values, weights: Weights) -> Values:
    """Intercept of the logit with the slope fixed at 1, in every sample [samples].

    NaN where a sample holds one outcome only. Arguments as of `weighted_lines`.
    """
    x = logit(np.clip(probabilities, EDGE, 1 - EDGE))
    return np.concatenate([_shift(x, labels, rows) for rows in in_parts(weights)])


def _shift(x: Values, y: Values, weights: Weights) -> Values:
    theta = np.zeros(len(weights))
    size = np.full(len(weights), np.inf)
    positives, total = weighted_sums(weights, y), weights.sum(axis=1)
    for _ in range(_STEPS):
        p = expit(theta[:, None] + x)
        curve = (weights * p * (1 - p)).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = (positives - (weights * p).sum(axis=1)) / curve
        theta = theta + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        size = np.abs(step)
        if not (size > _DONE).any():
            break
    defined = (positives > 0) & (positives < total) & (size <= _DONE)
    return np.where(defined, theta, np.nan)


def reliability_curve(probabilities: Values, labels: Values, bins: int = 10) -> tuple[Bin, ...]:
    """Observed against predicted in bins of about equal count, lowest probability first.

    Equal probabilities are never in two bins, so that there may be fewer bins than asked for.

    Args:
        probabilities, labels: [cases]; a case that is NaN in either is left out.
        bins: how many at most.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    if not len(p):
        return ()
    edges = np.unique(np.quantile(p, np.arange(1, bins) / bins, method="inverted_cdf"))
    place = np.searchsorted(edges, p, side="left")
    found = []
    for number in np.unique(place):
        here = place == number
        low, high = wilson(float(y[here].sum()), int(here.sum()))
        found.append(Bin(float(p[here].mean()), float(y[here].mean()), low, high, int(here.sum())))
    return tuple(found)


def calibration_error_interval(
    probabilities: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
    bins: int = 15,
) -> Interval:
    """Expected calibration error with its percentile patient-bootstrap 95% interval.

    Resampling adds about as much upward bias again as the error itself has, so that the interval
    lies on the high side, and what perfect calibration would show belongs beside it
    (`pipelines.statistics.metrics.calibration_error_floor`). The basic interval, which mirrors the
    percentiles, ended at 0 and at the value itself. It is widened, if need be, to hold the value.

    Args:
        probabilities, labels: [cases]; a case that is NaN in either is left out.
        patients: of every case.
        samples, seed: of the bootstrap.
        bins: of equal width.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    if not len(p):
        return Interval(None, None, None, 0, 0)
    value = expected_calibration_error(p, y, bins)
    weights = bootstrap_weights(np.asarray(patients)[known].tolist(), samples, seed)
    low, high = np.quantile(weighted_calibration_errors(p, y, weights, bins), [0.025, 0.975])
    ends = min(value, float(low)), max(value, float(high))
    return Interval(value, *ends, len(y), int(y.sum()))


def weighted_calibration_errors(
    probabilities: Values, labels: Values, weights: Weights, bins: int = 15
) -> Values:
    """Expected calibration error in every sample [samples], as in `expected_calibration_error`.

    Args:
        probabilities, labels: [cases], all known.
        weights: [samples, cases], how often each case is drawn.
        bins: of equal width.
    """
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.zeros((len(probabilities), bins))
    gaps[np.arange(len(probabilities)), place] = probabilities - labels
    return np.asarray(np.abs(weighted_sums(weights, gaps)).sum(axis=1) / weights.sum(axis=1))
