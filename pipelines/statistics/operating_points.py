"""A threshold chosen on validation patients, and its effect on test patients.

A case is an alert if its score is at or above the threshold. A threshold that is chosen on the
cases that it is judged on flatters itself, so choosing and judging are two functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from pipelines.statistics.metrics import Interval, bootstrap_weights, interval, weighted_sums
from pipelines.statistics.proportions import share

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """A score at or above which a case is an alert.

    Attributes:
        value: the score.
        rule: how it was chosen, in words.
        cases, positives: validation cases with a known outcome it rests on; 0 if it was given.
    """

    value: float
    rule: str
    cases: int = 0
    positives: int = 0


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold does to test patients.

    Attributes:
        threshold: judged here, chosen elsewhere.
        sensitivity, specificity: shares of the positive and of the negative cases.
        ppv, npv: shares of the alerts that are positive, and of the others that are negative; they
            hold at this prevalence only.
        alerts: per 100 patients, over all cases with a score, whether or not the outcome is known;
            above 100 where patients have several cases. Its `cases` are those with a score, its
            `positives` the alerts.

    The `cases` and `positives` of a share are its denominator and its numerator.
    """

    threshold: Threshold
    sensitivity: Interval
    specificity: Interval
    ppv: Interval
    npv: Interval
    alerts: Interval


def at_sensitivity(scores: Values, labels: Values, target: float) -> Threshold | None:
    """The highest threshold that reaches a target sensitivity on validation cases.

    Args:
        scores, labels: [cases]; NaN for unknown.
        target: above 0, at most 1.

    Returns:
        None if there is no positive case.

    Raises:
        ConfigError: if the target is not a sensitivity.
    """
    if not 0 < target <= 1:
        raise ConfigError(
            f"A target sensitivity of {target:g} cannot be reached.",
            remedy="state one above 0 and at most 1, for example 0.9",
        )
    x, y = _known(scores, labels)
    positive = np.sort(x[y == 1])[::-1]
    if not len(positive):
        return None
    # 0.9 * 10 is a hair above 9 in binary; it must not ask for a tenth case.
    wanted = math.ceil(target * len(positive) - 1e-9)
    rule = f"highest with a validation sensitivity of at least {target:g}"
    return Threshold(float(positive[wanted - 1]), rule, len(y), len(positive))


def given(value: float) -> Threshold:
    """A threshold that was fixed before any case was seen."""
    return Threshold(value, "given")


def judge(
    threshold: Threshold,
    scores: Values,
    labels: Values,
    patients: Sequence[str],
    *,
    samples: int = 1000,
    seed: int = 0,
) -> OperatingPoint:
    """What a threshold does to test cases, every figure with a patient-bootstrap 95% interval.

    Args:
        threshold: chosen on other patients.
        scores, labels: [cases]; a case without a score is left out, one without an outcome counts
            for the alerts only.
        patients: of every case.
        samples, seed: of the bootstrap.
    """
    scored = ~np.isnan(scores)
    x, y = scores[scored], labels[scored]
    people = np.asarray(patients)[scored].tolist()
    if not people:
        nothing = Interval(None, None, None, 0, 0)
        return OperatingPoint(threshold, nothing, nothing, nothing, nothing, nothing)
    weights = bootstrap_weights(people, samples, seed)
    alert, known = x >= threshold.value, ~np.isnan(y)
    positive, negative = known & (y == 1), known & (y == 0)
    patients_scored = len(set(people))
    burden = 100 * weighted_sums(weights, alert) / patients_scored
    return OperatingPoint(
        threshold,
        sensitivity=share(alert, positive, people, weights),
        specificity=share(~alert, negative, people, weights),
        ppv=share(positive, known & alert, people, weights),
        npv=share(negative, known & ~alert, people, weights),
        alerts=interval(100 * alert.sum() / patients_scored, burden, len(x), int(alert.sum())),
    )


def _known(scores: Values, labels: Values) -> tuple[Values, Values]:
    known = ~(np.isnan(scores) | np.isnan(labels))
    return scores[known], labels[known]
