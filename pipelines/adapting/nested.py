"""Which change of a diagnosis other patients support: cross-validation inside the site's cases.

A change takes the place of a stiffer one only if it lowers the log loss of patients that it was
not fitted on by more than the standard error of that difference, patients counted whole, and by
more than a trifle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.adapting.change import LAYERS, NONE, ORDER, Change, fit, tried, unchanged
from pipelines.adapting.evidence import Told, Values
from pipelines.folds.splits import Indices, grouped_folds

FOLDS = 5

LEAST_GAIN = 0.001
"""Nats of mean log loss. Where a model is nearly always right, any difference exceeds its error."""


@dataclass(frozen=True)
class Trial:
    """One kind of change beside the one that was kept until then.

    Attributes:
        kind: of change.
        gain: by how much it lowers the mean log loss of unseen patients, in nats.
        error: standard error of that.
        kept: whether it was taken.
    """

    kind: str
    gain: float
    error: float
    kept: bool


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen for one diagnosis.

    Attributes:
        change: fitted on all cases.
        trials: what was tried, stiffest first.
        folds: for each fold the cases that were held out, and the change fitted on the others.
        because: why nothing was tried; empty if something was.
    """

    change: Change
    trials: tuple[Trial, ...]
    folds: tuple[tuple[Indices, Change], ...]
    because: str

    def unseen(self, told: Told) -> Values:
        """Log odds of every case [cases] by a change that was not fitted on it."""
        logits = self.change.logits(told)
        for held, change in self.folds:
            logits[held] = change.logits(told.of(held))
        return logits


def choose(
    told: Told, labels: Values, people: Sequence[str], seed: int, most: str = LAYERS
) -> Choice:
    """The change that nested validation supports, fitted on all cases.

    Args:
        told: what the model finds in the cases.
        labels: 1, 0 or NaN for unknown [cases].
        people: who each case is of; nobody is on both sides.
        seed: of the folds.
        most: the change that bends most of those that may be kept.
    """
    nothing = unchanged(told.present.shape[1])
    because = too_few(labels, people)
    if because:
        return Choice(nothing, (), (), because)
    known = np.flatnonzero(~np.isnan(labels))
    y, of = labels[known], told.of(known)
    names = np.asarray(people)[known]
    pairs = list(grouped_folds(names.tolist(), y[:, None], FOLDS, seed))
    kept, kept_folds = NONE, [(test, nothing) for _, test in pairs]
    losses = _losses(of.logits, y)
    trials = []
    for kind in tried(y):
        changes = [(test, fit(kind, of.of(train), y[train])) for train, test in pairs]
        logits = of.logits
        for test, change in changes:
            logits[test] = change.logits(of.of(test))
        gain, error = paired(losses - _losses(logits, y), names)
        allowed = ORDER.index(kind) <= ORDER.index(most)
        better = allowed and gain > max(error, LEAST_GAIN)
        trials.append(Trial(kind, gain, error, better))
        if better:
            kept, kept_folds, losses = kind, changes, _losses(logits, y)
    folds = tuple((known[test], change) for test, change in kept_folds)
    return Choice(fit(kept, of, y), tuple(trials), folds, "")


def too_few(labels: Values, people: Sequence[str]) -> str:
    """Why nothing can be tried with these labels [cases], in words; empty if something can."""
    known = ~np.isnan(labels)
    positives = int(np.nansum(labels))
    if not known.any():
        return "no local case has a known outcome"
    if not tried(labels):
        negatives = int(known.sum()) - positives
        return f"too few local cases ({positives} with it, {negatives} without)"
    if len(set(np.asarray(people)[known].tolist())) < 2 * FOLDS:
        return f"fewer than {2 * FOLDS} patients"
    return ""


def paired(differences: Values, people: NDArray[np.str_]) -> tuple[float, float]:
    """Mean of differences [cases] and its standard error, with patients as what is drawn."""
    mean = float(differences.mean())
    names, member = np.unique(people, return_inverse=True)
    sums = np.bincount(member, differences - mean)
    count = len(names)
    spread = float((sums**2).sum()) * count / max(count - 1, 1)
    return mean, float(np.sqrt(spread)) / len(differences)


def _losses(logits: Values, labels: Values) -> Values:
    return np.asarray(np.logaddexp(0, logits) - labels * logits)
