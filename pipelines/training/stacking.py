"""Late fusion of a network's own readers: how much the evidence of each is to count.

For every diagnosis a logistic regression on the evidence of the readers, in log odds, with weights
that are never negative (Breiman 1996, "Stacked regressions", Mach Learn 24:49) and that are pulled
gently to 1, where evidence is added up as it is. The attention over the readers' findings then
starts from the best weighted sum, and what it adds is kept only as far as validation patients
support it (`supported`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

PULL = 1.0
"""Weight of the pull to 1, in cases of log loss."""

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the learnt correction, from which validation chooses."""

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stack:
    """A weighted sum of evidence.

    Attributes:
        weights: modality to a factor for each diagnosis [diagnoses], 0 or more.
        bias: log odds without any evidence [diagnoses].
    """

    weights: Mapping[str, Values]
    bias: Values

    def logits(self, evidence: Mapping[str, Values]) -> Values:
        """Log odds [cases, diagnoses] of evidence [cases, diagnoses] by modality."""
        parts = [self.weights[name] * evidence[name] for name in self.weights]
        total: Values = self.bias + np.sum(parts, axis=0)
        return total


def fit_stack(evidence: Mapping[str, Values], targets: Values, prior: Values) -> Stack:
    """Weights and bias of every diagnosis.

    Args:
        evidence: modality to log odds [cases, diagnoses]; 0 where it is absent.
        targets: what is to be said [cases, diagnoses], 0 to 1; NaN is left out.
        prior: bias where nothing can be fitted, and where the search starts [diagnoses].
    """
    names = list(evidence)
    found = [
        _fitted(np.stack([evidence[name][:, d] for name in names], axis=1), targets[:, d], start)
        for d, start in enumerate(prior)
    ]
    weights = {name: np.array([row[1 + n] for row in found]) for n, name in enumerate(names)}
    return Stack(weights, np.array([row[0] for row in found]))


def _fitted(rows: Values, targets: Values, prior: float) -> Values:
    """The bias, then a weight for each column of `rows` [cases, modalities]."""
    start = np.array([prior, *np.ones(rows.shape[1])])
    known = ~np.isnan(targets)
    if not known.any():
        return start
    columns = np.column_stack([np.ones(int(known.sum())), rows[known]])
    wanted = targets[known]

    def loss(place: Values) -> tuple[float, Values]:
        logits = columns @ place
        off = place[1:] - 1
        value = float((np.logaddexp(0, logits) - wanted * logits).sum() + PULL / 2 * off @ off)
        slope = columns.T @ (expit(logits) - wanted)
        slope[1:] += PULL * off
        return value, slope

    bounds = [(None, None), *[(0.0, None)] * rows.shape[1]]
    best: Values = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return best


def steady_stack(
    evidence: Mapping[str, Values],
    targets: Values,
    prior: Values,
    folds: Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]],
) -> Stack:
    """The plain sum, but where a fitted stack is better out of fold by one standard error.

    Args:
        evidence, targets, prior: as in `fit_stack`.
        folds: places to fit on and to judge on.
    """
    ones = {name: np.ones_like(prior) for name in evidence}
    plain = Stack(ones, prior.copy())
    told = np.full(targets.shape, np.nan)
    for rows, held in folds:
        some = fit_stack({name: x[rows] for name, x in evidence.items()}, targets[rows], prior)
        told[held] = some.logits({name: x[held] for name, x in evidence.items()})
    before = plain.logits(evidence)
    better = np.array(
        [clearly_better(*one) for one in zip(before.T, told.T, targets.T, strict=True)]
    )
    free = fit_stack(evidence, targets, prior)
    return Stack(
        {name: np.where(better, free.weights[name], ones[name]) for name in evidence},
        np.where(better, free.bias, prior),
    )


def clearly_better(plain: Values, other: Values, labels: Values) -> bool:
    """Whether other log odds have a lower log loss by more than its standard error [cases]."""
    known = ~np.isnan(labels + plain + other)
    if known.sum() < 2:
        return False
    y = labels[known]
    gain = np.logaddexp(0, plain[known]) - np.logaddexp(0, other[known])
    gain += y * (other[known] - plain[known])
    return bool(gain.mean() > gain.std(ddof=1) / np.sqrt(len(y)))


def leaning(plain: Values, learnt: Values, labels: Values) -> Values:
    """How much of the mean of two log odds what was learnt is to be, for each diagnosis.

    The smallest of `SHARES` whose log loss on validation patients is not worse than the lowest by
    more than one standard error of their difference (Breiman et al. 1984, "Classification and
    regression trees"): where few patients have an outcome, the plain one stays. None where nothing
    is known.

    Args:
        plain, learnt: log odds [cases, diagnoses].
        labels: 1, 0 or NaN for unknown [cases, diagnoses].
    """
    found = np.zeros(labels.shape[1])
    for column in range(labels.shape[1]):
        known = ~np.isnan(labels[:, column])
        if known.sum() < 2:
            continue
        y, simple, other = labels[known, column], plain[known, column], learnt[known, column]
        mixed = [(1 - share) * simple + share * other for share in SHARES]
        losses = np.stack([np.logaddexp(0, x) - y * x for x in mixed])
        behind = losses - losses[losses.mean(axis=1).argmin()]
        error = behind.std(axis=1, ddof=1) / np.sqrt(len(y))
        found[column] = SHARES[int(np.argmax(behind.mean(axis=1) <= error))]
    return found


def supported(plain: Values, correction: Values, labels: Values) -> Values:
    """Share of a correction that validation patients support, for each diagnosis [diagnoses].

    The smallest of `SHARES` whose log loss is the lowest; none where nothing is known.

    Args:
        plain: log odds without the correction [cases, diagnoses].
        correction: what it would add [cases, diagnoses].
        labels: 1, 0 or NaN for unknown [cases, diagnoses].
    """
    shares = []
    for column in range(labels.shape[1]):
        known = ~np.isnan(labels[:, column])
        y, base, more = labels[known, column], plain[known, column], correction[known, column]
        losses = [
            float((np.logaddexp(0, x) - y * x).sum()) for x in (base + s * more for s in SHARES)
        ]
        shares.append(SHARES[int(np.argmin(losses))])
    return np.array(shares)
