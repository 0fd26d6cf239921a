"""From logits to calibrated probabilities, and which diagnoses the inputs can support at all.

Everything here is fitted on validation patients, whom the network's weights have not seen, once
for each availability pattern (which modalities are there), because a model that lost a modality is
differently confident.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from clinical.case.withheld import Reason

_PULL_TO_IDENTITY = 4.0
_LEAST_OF_EACH = 5
_SURELY = 1e-12
USEFUL_AUROC = 0.55
"""The lower 95% bound that discrimination has to clear before a suggestion is shown."""

COVERAGE = 0.9
"""Share of cases whose true diagnoses are all to be in the prediction set."""

LEAST_FOR_SETS = 50
"""With fewer validation cases coverage would vary by more than 4 points (Vovk 2012)."""

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


@dataclass(frozen=True)
class SetRule:
    """Which diagnoses are in the prediction set of a case with one availability pattern.

    Attributes:
        cuts: diagnosis to the calibrated probability at or above which it is in the set.
        cases: validation cases that the cuts rest on.
        pooled: True where the pattern had too few, and the cuts are those of all patterns together.
        coverage: share of cases whose true diagnoses are all to be in the set.
    """

    cuts: Mapping[str, float]
    cases: int
    pooled: bool = False
    coverage: float = COVERAGE


def patterns(modalities: Iterable[str]) -> list[Pattern]:
    """Every non-empty subset of `modalities`, sorted names, small subsets first."""
    names = sorted(modalities)
    return [pattern for size in range(1, len(names) + 1) for pattern in combinations(names, size)]


def pattern_key(pattern: Iterable[str]) -> str:
    """One string for an availability pattern, for example "history+image"."""
    return "+".join(sorted(pattern))


def fit_support(
    logits: NDArray[np.float64], labels: NDArray[np.float64], *, steady: bool = False
) -> Support:
    """Calibrate and judge one diagnosis under one pattern.

    Args:
        logits: [cases].
        labels: [cases]; 1, 0 or NaN for unknown.
        steady: the log odds are calibrated by more patients than these, so they are only changed
            where that lowers the log loss, out of fold, by more than one standard error.
    """
    known = ~np.isnan(labels)
    x, y = logits[known], labels[known]
    positives, negatives = int(y.sum()), int((1 - y).sum())
    if min(positives, negatives) < _LEAST_OF_EACH:
        return Support(positives=positives, negatives=negatives)
    slope, intercept = platt(x, y)
    if steady and not _clearly_better(x, y, slope, intercept):
        slope, intercept = 1.0, 0.0
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


def _clearly_better(
    x: NDArray[np.float64], y: NDArray[np.float64], slope: float, intercept: float
) -> bool:
    """Whether such a map, fitted to other cases, lowers the log loss by one standard error."""
    moved = slope * x + intercept
    if not _gains(x, moved, y):
        return False  # not even where it was fitted
    fold = np.zeros(len(y), dtype=np.intp)
    for outcome in (0, 1):
        places = np.flatnonzero(y == outcome)
        fold[places] = np.arange(len(places)) % _LEAST_OF_EACH
    for number in range(_LEAST_OF_EACH):
        held = fold == number
        slope, intercept = platt(x[~held], y[~held])
        moved[held] = slope * x[held] + intercept
    return _gains(x, moved, y)


def _gains(x: NDArray[np.float64], moved: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    gain = np.logaddexp(0, x) - np.logaddexp(0, moved) + y * (moved - x)
    return bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(y)))


def apply(logit: float, support: Support) -> float:
    """Calibrated probability of one logit."""
    return float(expit(support.slope * logit + support.intercept))


def fit_set_rules(
    judged: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    prevalence: Mapping[str, float],
    coverage: float = COVERAGE,
) -> dict[str, SetRule]:
    """Split-conformal prediction sets for every availability pattern that has enough cases.

    Vovk, Gammerman and Shafer 2005; Angelopoulos and Bates 2021, arXiv 2107.07511. A case's score
    is the largest over its true diagnoses of the square root of the prevalence over the calibrated
    probability: halfway between one cut for all, which makes the smallest sets (Sadinle, Lei and
    Wasserman 2019) and excludes the rare diagnoses first, and cuts in proportion to prevalence.
    With n scores the limit is the
    ceil((n + 1) * coverage)-th smallest, and a new case like these has all its true diagnoses in
    its set with at least that probability, on average over all cases with the pattern. Cases with
    no true diagnosis are always covered and are not counted, lest they loosen the promise for the
    others; unknown outcomes are taken as not known to be true.

    The promise rests on exchangeability: the next patient comes from where the validation patients
    came from. At another hospital, with another case mix or device, it may not hold. It is also not
    exact here, because the same patients stopped the training and calibrated the probabilities;
    coverage on unseen patients is measured by `triptych study run`.

    Args:
        judged: pattern key to calibrated probabilities and labels (1, 0 or NaN for unknown), both
            [cases, diagnoses] in the order of `prevalence`.
        prevalence: diagnosis to share of positives in training.
        coverage: share of cases to cover.
    """
    names = tuple(prevalence)
    usual = np.sqrt([max(prevalence[name], _SURELY) for name in names])
    scores = {key: _set_scores(*pair, usual) for key, pair in judged.items()}
    everything = np.concatenate([*scores.values(), np.empty(0)])
    rules = {}
    for key, own in scores.items():
        pooled = len(own) < LEAST_FOR_SETS
        counted = everything if pooled else own
        if len(counted) < LEAST_FOR_SETS:
            continue
        limit = conformal_quantile(counted, coverage)
        # A hair lower, so that the case the limit comes from is inside in spite of rounding.
        cuts = (usual / limit * (1 - 1e-9)).tolist()
        rules[key] = SetRule(dict(zip(names, cuts, strict=True)), len(counted), pooled, coverage)
    return rules


def conformal_quantile(scores: NDArray[np.float64], coverage: float) -> float:
    """The ceil((n + 1) * coverage)-th smallest of n scores, or infinity where n is too small."""
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def _set_scores(
    probabilities: NDArray[np.float64], labels: NDArray[np.float64], usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    true = labels == 1
    scores = np.where(true, usual / np.maximum(probabilities, _SURELY), -np.inf)
    return np.asarray(scores[true.any(axis=1)].max(axis=1, initial=-np.inf))


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


def withheld(support: Support | None, pattern: Pattern, prevalence: float) -> Reason | None:
    """Why the inputs cannot support a suggestion, in words a clinician reads, or None."""
    inputs = " and ".join(pattern)
    if support is None:
        return Reason("support", "the model knows none of this case's inputs")
    if support.low is None:
        return Reason(
            "support",
            f"too few validation cases with known outcome ({support.positives} with,"
            f" {support.negatives} without) to judge it from {inputs}",
        )
    if support.low < USEFUL_AUROC:
        return Reason(
            "support",
            f"{inputs} alone did not tell it apart in validation"
            f" (AUROC {support.auroc:.2f}, 95% interval from {support.low:.2f};"
            f" prevalence {prevalence:.0%})",
        )
    return None
