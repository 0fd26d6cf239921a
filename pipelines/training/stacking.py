"""Late fusion of a network's own readers: how much the evidence of each is to count.

For every diagnosis a logistic regression on the evidence of the readers, in log odds, with weights
that are never negative (Breiman 1996, "Stacked regressions", Mach Learn 24:49) and that are pulled
gently to 1, where evidence is added up as it is. The attention over the readers' findings then
starts from the best weighted sum, and what it adds is kept only as far as validation patients
support it (`supported`).
"""

from __future__ import annotations

from collections.abc import Mapping
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
