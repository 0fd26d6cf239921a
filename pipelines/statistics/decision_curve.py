"""Would acting on the model do more good than treating everybody, or nobody?

Net benefit at a threshold probability t counts true positives per case, less false positives at the
odds t / (1 - t) that the threshold says they are worth (Vickers and Elkin 2006, Med Decis Making
26:565-574). Divided by the prevalence it is standardised: 1 is the most that can be had (Kerr,
Brown, Zhu and Janes 2016, J Clin Oncol 34:2534-2540).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from pipelines.statistics.metrics import (
    Interval,
    Weights,
    bootstrap_weights,
    interval,
    weighted_sums,
    with_all,
)

Values = NDArray[np.float64]

THRESHOLDS = tuple(round(0.01 * n, 2) for n in range(1, 51))


@dataclass(frozen=True)
class NetBenefit:
    """At one threshold probability; per case.

    Attributes:
        threshold: above 0, below 1; who is at or above it is treated.
        model: net benefit of treating those, with its interval.
        treat_all: net benefit of treating everybody; that of treating nobody is 0.
        standardised: of the model, divided by the prevalence; not defined without a positive case.
        gain: model minus the better of all and none, as found within every bootstrap sample.
    """

    threshold: float
    model: Interval
    treat_all: float | None
    standardised: Interval
    gain: Interval


def decision_curve(
    probabilities: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    samples: int = 1000,
    seed: int = 0,
) -> tuple[NetBenefit, ...]:
    """Net benefit at every threshold, with patient-bootstrap 95% intervals.

    The intervals hold at each threshold alone, not for the whole curve at once.

    Args:
        probabilities, labels: [cases]; a case that is NaN in either is left out.
        patients: of every case.
        thresholds: probabilities at which somebody might act; ask clinicians before looking.
        samples, seed: of the bootstrap.

    Raises:
        ConfigError: if a threshold is not between 0 and 1.
    """
    cuts = np.asarray(thresholds, dtype=np.float64)
    if not ((cuts > 0) & (cuts < 1)).all():
        raise ConfigError(
            "A threshold probability must lie between 0 and 1.",
            remedy="state thresholds such as 0.05 or 0.2",
        )
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    p, y = probabilities[known], labels[known]
    if not len(y):
        nothing = Interval(None, None, None, 0, 0)
        return tuple(NetBenefit(float(t), nothing, None, nothing, nothing) for t in cuts)
    weights = with_all(bootstrap_weights(np.asarray(patients)[known].tolist(), samples, seed))
    model, everybody = weighted_net_benefits(p, y, weights, cuts)
    prevalence = (weighted_sums(weights, y) / weights.sum(axis=1))[:, None]
    standardised = np.where(prevalence > 0, model / np.where(prevalence > 0, prevalence, 1), np.nan)
    gain = model - np.maximum(everybody, 0)
    counts = len(y), int(y.sum())
    return tuple(
        NetBenefit(
            float(cut),
            interval(float(model[0, j]), model[1:, j], *counts),
            float(everybody[0, j]),
            interval(float(standardised[0, j]), standardised[1:, j], *counts),
            interval(float(gain[0, j]), gain[1:, j], *counts),
        )
        for j, cut in enumerate(cuts)
    )


def weighted_net_benefits(
    probabilities: Values, labels: Values, weights: Weights, thresholds: Values
) -> tuple[Values, Values]:
    """Net benefit of the model and of treating all, in every sample, both [samples, thresholds].

    Args:
        probabilities, labels: [cases], all known.
        weights: [samples, cases], how often each case is drawn.
        thresholds: [thresholds].
    """
    odds = thresholds / (1 - thresholds)
    total = weights.sum(axis=1)[:, None]
    treated = probabilities[:, None] >= thresholds
    true = weighted_sums(weights, treated * labels[:, None]) / total
    false = weighted_sums(weights, treated * (1 - labels[:, None])) / total
    prevalence = weighted_sums(weights, labels)[:, None] / total
    return true - false * odds, prevalence - (1 - prevalence) * odds
