"""Proportions of cases (sensitivity, positive predictive value and the like) with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.metrics import (
    Interval,
    Weights,
    bootstrap_weights,
    interval,
    weighted_sums,
)

Held = NDArray[np.bool_] | NDArray[np.float64]

_Z = 1.959963984540054


def wilson(successes: float, total: float) -> tuple[float, float]:
    """Wilson's 95% score interval of a proportion of independent draws (1927, J Am Stat Assoc).

    NaN, NaN where `total` is 0.
    """
    if not total:
        return float("nan"), float("nan")
    share = successes / total
    shrink = 1 + _Z**2 / total
    middle = (share + _Z**2 / (2 * total)) / shrink
    half = _Z / shrink * np.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    # Rounding must not leave a share of 0 or 1 just outside its own interval.
    low = float(middle - half) if successes else 0.0
    return low, float(middle + half) if successes != total else 1.0


def proportion(successes: int, total: int) -> Interval:
    """Share of independent draws with Wilson's 95% interval; not defined where there are none."""
    if not total:
        return Interval(None, None, None, 0, 0)
    low, high = wilson(successes, total)
    return Interval(successes / total, low, high, total, successes)


def weighted_ratios(
    part: NDArray[Any], whole: NDArray[Any], weights: Weights
) -> NDArray[np.float64]:
    """Sum of `part` [cases] over that of `whole` [cases], in every sample [samples].

    NaN where a sample draws nothing of the whole.
    """
    drawn, counted = weighted_sums(weights, whole), weighted_sums(weights, part)
    return np.asarray(np.where(drawn > 0, counted / np.maximum(drawn, 1), np.nan))


def weighted_shares(held: Held, among: NDArray[np.bool_], weights: Weights) -> NDArray[np.float64]:
    """Share of the cases `among` [cases] that are `held` [cases], in every sample [samples].

    NaN where a sample draws none of them.
    """
    return weighted_ratios(held * among, among, weights)


def share(
    held: Held, among: NDArray[np.bool_], patients: Sequence[str], weights: Weights
) -> Interval:
    """Share of the cases `among` that are `held`, with a patient-bootstrap 95% interval.

    A share of exactly 0 or 1 is the same in every bootstrap sample, which would be an interval
    without width; there it is Wilson's, with patients counted instead of cases.

    Args:
        held: [cases]; 0 to 1 where it is a mean over repeats.
        among: [cases].
        patients: of every case.
        weights: [samples, cases] from `pipelines.statistics.metrics.bootstrap_weights`.

    Returns:
        An interval whose `cases` is the denominator and `positives` the numerator, rounded; not
        defined where the denominator is 0.
    """
    total, count = int(among.sum()), float((held * among).sum())
    if not total:
        return Interval(None, None, None, 0, 0)
    value, positives = count / total, round(count)
    if 0 < count < total:
        return interval(value, weighted_shares(held, among, weights), total, positives)
    people = len(set(np.asarray(patients)[among].tolist()))
    low, high = wilson(people if count else 0, people)
    return Interval(value, low, high, total, positives)


def share_of_all(
    held: NDArray[np.bool_], patients: Sequence[str], *, samples: int, seed: int
) -> Interval:
    """The same of all cases, with bootstrap samples of their own.

    Args:
        held: [cases].
        patients: of every case.
        samples, seed: of the patient bootstrap.
    """
    weights = bootstrap_weights(patients, samples, seed)
    return share(held, np.ones(len(held), dtype=bool), patients, weights)
