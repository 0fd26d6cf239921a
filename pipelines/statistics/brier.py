"""Brier score: mean squared difference of probability and outcome (Brier 1950, Mon Weather Rev)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.metrics import Interval, bootstrap_weights, interval
from pipelines.statistics.proportions import weighted_ratios

Values = NDArray[np.float64]


def brier_score(
    probabilities: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Brier score with its patient-bootstrap 95% interval; 0 is perfect.

    Args:
        probabilities, labels: [cases]; a case that is NaN in either is left out.
        patients: of every case.
        samples, seed: of the bootstrap.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    if not len(p):
        return Interval(None, None, None, 0, 0)
    losses = (p - y) ** 2
    weights = bootstrap_weights(np.asarray(patients)[known].tolist(), samples, seed)
    drawn = weighted_ratios(losses, np.ones(len(losses)), weights)
    return interval(float(losses.mean()), drawn, len(y), int(y.sum()))


def brier_of_prevalence(labels: Values) -> float | None:
    """What somebody gets who always says the prevalence of the tested cases; None without any.

    Args:
        labels: [cases], all known.
    """
    if not len(labels):
        return None
    share = float(labels.mean())
    return share * (1 - share)
