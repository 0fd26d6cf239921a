"""Ways to change what a model says of one diagnosis, from the stiffest to the one that bends most.

Each is a penalised logistic regression that starts from the model as it is and is pulled back to
it, so that few cases move little:

- `intercept`: one number is added to the calibrated log odds;
- `Platt`: they are also stretched (Platt 1999);
- `readers`: the evidence of each modality, and what the attention adds, has a factor of its own
  (never below a twentieth), each modality that is there an offset, and the sum another bias;
- `last layers`: also the weights with which each reader makes evidence of what it has read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from clinical.model.calibration import platt
from pipelines.adapting.evidence import Told, Values

NONE, INTERCEPT, PLATT, READERS, LAYERS = "none", "intercept", "Platt", "readers", "last layers"

LEAST = {INTERCEPT: 5, PLATT: 10, READERS: 20, LAYERS: 40}
"""Local cases of the rarer outcome from which on a change is tried. The stiffest needs as many as
the calibration of a training; each further one twice as many, because it has more to choose."""

ORDER = (NONE, *LEAST)
"""From what bends least to what bends most."""

_PULL_OF_OFFSETS = 2.0
_PULL_OF_FACTORS = 8.0
"""Platt's pull of `clinical.model.calibration`, worth about four cases, as weights of squares."""

_PULL_OF_WEIGHTS = 4.0
"""For each column of a reader: its evidence then moves by about half a log odds unit."""

_SMALLEST_FACTOR = 0.05
_REPEATS = 200


@dataclass(frozen=True, eq=False)
class Change:
    """How the log odds of one diagnosis are made anew.

    Attributes:
        kind: one of the names above, or `none`.
        slope, intercept: of the calibrated log odds.
        bias: added to that of the network.
        factors: of the evidence of each modality [modalities].
        offsets: added where a modality is there [modalities].
        correction: factor of what the attention adds.
        weights: added to those of each reader's last layer [modalities, width]; None: nothing.
    """

    kind: str
    factors: Values
    offsets: Values
    slope: float = 1.0
    intercept: float = 0.0
    bias: float = 0.0
    correction: float = 1.0
    weights: Values | None = None

    def logits(self, told: Told) -> Values:
        """Calibrated log odds of some cases [cases]."""
        raw = told.bias + self.bias + told.alone @ self.factors + told.present @ self.offsets
        raw = raw + self.correction * told.correction + told.plain
        if self.weights is not None:
            raw = raw + np.einsum("cmw,mw->c", told.states, self.weights)
        own = told.slopes * raw + told.intercepts
        return np.asarray(self.slope * own + self.intercept)

    def carried(self, probability: float) -> float:
        """Where the calibration takes a probability; cases keep their order about it."""
        edge = 1e-12
        inside = min(max(probability, edge), 1 - edge)
        logit = float(np.log(inside / (1 - inside)))
        return float(expit(self.slope * logit + self.intercept))


def unchanged(modalities: int) -> Change:
    """The model as it is."""
    return Change(NONE, np.ones(modalities), np.zeros(modalities))


def fit(kind: str, told: Told, labels: Values) -> Change:
    """One kind of change, fitted on some cases.

    Args:
        kind: of LEAST, or `none`.
        told: what the model finds in the cases.
        labels: 1 or 0, all known [cases].

    Returns:
        No change where there are too few of either outcome for that kind.
    """
    modalities = told.present.shape[1]
    rarer = min(labels.sum(), (1 - labels).sum())
    if kind == NONE or rarer < LEAST[kind]:
        return unchanged(modalities)
    if kind == INTERCEPT:
        (added,) = _regression(np.ones((len(labels), 1)), told.logits, labels, _offset(1))
        return Change(kind, np.ones(modalities), np.zeros(modalities), intercept=float(added))
    if kind == PLATT:
        slope, intercept = platt(told.logits, labels)
        ones, noughts = np.ones(modalities), np.zeros(modalities)
        return Change(kind, ones, noughts, slope=slope, intercept=intercept)
    if not told.alone.any():
        return unchanged(modalities)  # plain readers alone speak of it: there is nothing to bend
    return _of_readers(kind, told, labels)


def _of_readers(kind: str, told: Told, labels: Values) -> Change:
    count, modalities, width = told.states.shape
    parts = [np.ones((count, 1)), told.present, told.alone, told.correction[:, None]]
    pulls = [_offset(1 + modalities), _factor(1 + modalities)]
    if kind == LAYERS:
        parts.append(told.states.reshape(count, -1).astype(np.float64))
        pulls.append(_pulled(modalities * width, _PULL_OF_WEIGHTS * width))
    columns = np.concatenate(parts, axis=1) * told.slopes[:, None]
    found = _regression(columns, told.logits, labels, np.concatenate(pulls, axis=1))
    offsets, rest = found[1 : 1 + modalities], found[1 + modalities :]
    return Change(
        kind,
        1 + rest[:modalities],
        offsets,
        bias=float(found[0]),
        correction=1 + float(rest[modalities]),
        weights=rest[modalities + 1 :].reshape(modalities, width) if kind == LAYERS else None,
    )


def _pulled(size: int, pull: float, least: float = -np.inf) -> Values:
    """Weights of the pull to 0 and least values of `size` numbers [2, size]."""
    return np.tile(np.array([[pull], [least]]), size)


def _offset(size: int) -> Values:
    return _pulled(size, _PULL_OF_OFFSETS)


def _factor(size: int) -> Values:
    return _pulled(size, _PULL_OF_FACTORS, _SMALLEST_FACTOR - 1)


def _regression(columns: Values, start: Values, labels: Values, pulls: Values) -> Values:
    """What to add for each column [cases, numbers] to the log odds at the start [cases].

    Args:
        columns, start, labels: of the cases.
        pulls: weight of half the square of each number, and its least value [2, numbers].
    """
    weights, least = pulls

    def loss(numbers: Values) -> tuple[float, Values]:
        logits = start + columns @ numbers
        fits = float((np.logaddexp(0, logits) - labels * logits).sum())
        slope = columns.T @ (expit(logits) - labels) + weights * numbers
        return fits + float(weights @ numbers**2) / 2, slope

    bounds = [(low if np.isfinite(low) else None, None) for low in least.tolist()]
    found = minimize(
        loss,
        np.zeros(columns.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _REPEATS},
    )
    return np.asarray(found.x)


def rarer(labels: NDArray[np.float64]) -> int:
    """Cases of the rarer outcome among known labels [cases]."""
    known = labels[~np.isnan(labels)]
    return int(min(known.sum(), (1 - known).sum()))


def tried(labels: Values) -> Sequence[str]:
    """The kinds of change for which these labels [cases] suffice, stiffest first."""
    return [kind for kind, least in LEAST.items() if rarer(labels) >= least]
