"""From logits to probabilities that mean what they say, and what the inputs can support at all.

Everything here is fitted on validation patients, whom the network's weights have not seen, once
for each availability pattern (which modalities are there), because a model that lost a modality is
differently confident.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

_PULL_TO_IDENTITY = 4.0
_LEAST_OF_EACH = 5
USEFUL_AUROC = 0.55
"""The lower 95% bound that discrimination has to clear before a suggestion is shown."""

Pattern = tuple[str, ...]


@dataclass(frozen=True)
class Support:
    """How well one diagnosis can be told from one availability pattern, on validation patients.

    Attributes:
        slope, intercept: probability = sigmoid(slope * logit + intercept).
        auroc: on the validation patients, or None where they hold too few of either outcome.
        low: lower end of its 95% interval (Hanley and McNeil 1982), or None.
        positives, negatives: numbers of validation cases.
    """

    slope: float = 1.0
    intercept: float = 0.0
    auroc: float | None = None
    low: float | None = None
    positives: int = 0
    negatives: int = 0


def patterns(modalities: Iterable[str]) -> list[Pattern]:
    """Every non-empty subset of `modalities`, sorted names, small subsets first."""
    names = sorted(modalities)
    return [pattern for size in range(1, len(names) + 1) for pattern in combinations(names, size)]


def pattern_key(pattern: Iterable[str]) -> str:
    """One string for an availability pattern, for example "history+image"."""
    return "+".join(sorted(pattern))


def fit_support(logits: NDArray[np.float64], labels: NDArray[np.float64]) -> Support:
    """Calibrate and judge one diagnosis under one pattern.

    Args:
        logits: [cases].
        labels: [cases]; 1, 0 or NaN for unknown.
    """
    known = ~np.isnan(labels)
    x, y = logits[known], labels[known]
    positives, negatives = int(y.sum()), int((1 - y).sum())
    if min(positives, negatives) < _LEAST_OF_EACH:
        return Support(positives=positives, negatives=negatives)
    slope, intercept = platt(x, y)
    area = auroc(x, y)
    low = area - 1.96 * hanley_mcneil_error(area, positives, negatives)
    return Support(slope, intercept, area, low, positives, negatives)


def platt(logits: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and intercept of Platt's logistic map (1999), pulled gently towards the identity.

    The pull is worth about four cases, so that twenty validation cases cannot turn the map over.
    """

    def loss(parameters: NDArray[np.float64]) -> float:
        z = parameters[0] * logits + parameters[1]
        fit = -(labels * log_expit(z) + (1 - labels) * log_expit(-z)).sum()
        return float(fit + _PULL_TO_IDENTITY * ((parameters[0] - 1) ** 2 + parameters[1] ** 2 / 4))

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B").x
    # A negative slope would say the model is worse than chance and use it upside down.
    return max(float(slope), 0.0), float(intercept)


def apply(logit: float, support: Support) -> float:
    """Calibrated probability of one logit."""
    return float(expit(support.slope * logit + support.intercept))


def auroc(scores: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """Area under the ROC curve as the Mann-Whitney statistic; ties count half."""
    from scipy.stats import rankdata

    positive = labels == 1
    ranks = rankdata(scores)
    n1, n0 = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def hanley_mcneil_error(area: float, positives: int, negatives: int) -> float:
    """Standard error of an AUROC (Hanley and McNeil 1982, Radiology 143:29-36)."""
    q1, q2 = area / (2 - area), 2 * area * area / (1 + area)
    spread = (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    variance = (area * (1 - area) + spread) / (positives * negatives)
    return float(np.sqrt(max(variance, 0.0)))


def youden_threshold(probabilities: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    """The probability that maximises sensitivity + specificity - 1 on validation cases."""
    known = ~np.isnan(labels)
    p, y = probabilities[known], labels[known]
    if y.sum() in (0, len(y)):
        return 0.5
    order = np.argsort(-p, kind="stable")
    gain = np.cumsum(np.where(y[order] == 1, 1 / y.sum(), -1 / (1 - y).sum()))
    last_of_ties = np.append(np.diff(p[order]) != 0, True)
    best = int(np.argmax(np.where(last_of_ties, gain, -np.inf)))
    return float(p[order][best])


def withheld_because(support: Support | None, pattern: Pattern, prevalence: float) -> str | None:
    """Why the inputs cannot support a suggestion, in words a clinician reads, or None."""
    inputs = " and ".join(pattern)
    if support is None:
        return "the model knows none of this case's inputs"
    if support.low is None:
        return (
            f"too few validation cases with known outcome ({support.positives} with,"
            f" {support.negatives} without) to judge it from {inputs}"
        )
    if support.low < USEFUL_AUROC:
        return (
            f"{inputs} alone did not tell it apart in validation"
            f" (AUROC {support.auroc:.2f}, 95% interval from {support.low:.2f};"
            f" prevalence {prevalence:.0%})"
        )
    return None
