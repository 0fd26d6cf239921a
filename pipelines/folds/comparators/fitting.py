"""How one label is fitted from feature rows, and how its settings are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from pipelines.folds.splits import Indices, grouped_folds
from pipelines.folds.tabular import Rows

INNER_FOLDS = 3
LEAST_OF_EACH = 5

Predict = Callable[[Rows], Rows]
Fit = Callable[[Rows, Rows], Predict]
"""(rows [cases, columns], labels [cases]) -> (rows -> probabilities [cases])."""


@dataclass(frozen=True)
class Trees:
    """Settings of boosted trees (`HistGradientBoostingClassifier`).

    Attributes:
        leaves: of a tree at most.
        rate: learning rate.
        number: of trees.
        least: cases in a leaf at least.
        columns: share of them that a split may choose from.
    """

    leaves: int
    rate: float = 0.1
    number: int = 100
    least: int = 20
    columns: float = 1.0


CANDIDATES = (
    Trees(leaves=31),
    Trees(leaves=4, rate=0.05, number=150, least=5, columns=0.3),
    Trees(leaves=2, least=5, columns=0.5),
)
"""From the library's own settings to sums of single questions, the best for a few hundred cases."""


def boosted(trees: Trees, seed: int) -> Fit:
    """Histogram gradient boosting that reads NaN as missing."""

    def fit(rows: Rows, labels: Rows) -> Predict:
        model = HistGradientBoostingClassifier(
            max_leaf_nodes=trees.leaves,
            learning_rate=trees.rate,
            max_iter=trees.number,
            min_samples_leaf=trees.least,
            max_features=trees.columns,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        # A column that is empty in this fold cannot be binned; a constant one says as little.
        empty = np.isnan(rows).all(axis=0)
        model.fit(np.where(empty, 0.0, rows), labels)
        return lambda other: np.asarray(model.predict_proba(np.where(empty, 0.0, other))[:, 1])

    return fit


def ridge(strength: float, blocks: Sequence[slice] = ()) -> Fit:
    """Logistic regression with an L2 penalty on scaled columns; NaN is the mean and a flag.

    Args:
        strength: scikit-learn's C; smaller pulls harder.
        blocks: columns that share one factor, so that those of small spread (late components) are
            pulled harder; all others get the same spread.
    """

    def fit(rows: Rows, labels: Rows) -> Predict:
        plain = standardiser(rows, blocks)
        model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200)
        model.fit(plain(rows), labels)
        return lambda other: np.asarray(model.predict_proba(plain(other))[:, 1])

    return fit


def standardiser(rows: Rows, blocks: Sequence[slice]) -> Predict:
    """(rows -> scaled columns without gaps, a flag for each column that has any, and ones)."""
    known = ~np.isnan(rows)
    number = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0).sum(axis=0) / number
    spread = np.sqrt(np.where(known, (rows - mean) ** 2, 0).sum(axis=0) / number)
    share = known.mean(axis=0)
    varied, patchy = spread > 1e-9, (share > 0) & (share < 1)
    for block in blocks:
        own = spread[block][varied[block]]
        spread[block] = np.where(varied[block], np.sqrt((own**2).sum() / max(len(own), 1)), 0)
    flag_spread = np.sqrt(share * (1 - share))[patchy]

    def plain(other: Rows) -> Rows:
        values = ((other - mean)[:, varied]) / spread[varied]
        flags = ((~np.isnan(other)) - share)[:, patchy] / flag_spread
        return np.concatenate([np.nan_to_num(values), flags, np.ones((len(other), 1))], axis=1)

    return plain


def inner_folds(
    patients: Sequence[str], labels: Rows, seed: int
) -> tuple[tuple[Indices, Indices], ...]:
    """Patient-grouped folds inside the training cases, for every choice that a baseline makes."""
    folds = min(INNER_FOLDS, len(set(patients)))
    return tuple(grouped_folds(patients, labels, folds, seed)) if folds > 1 else ()


def fit_best(
    candidates: Sequence[Fit],
    rows: Rows,
    labels: Rows,
    inner: Sequence[tuple[Indices, Indices]],
) -> tuple[Rows, Predict]:
    """The candidate with the lowest out-of-fold log loss, fitted on all rows.

    Returns:
        Its out-of-fold probabilities [cases] (NaN for cases that no inner fold tests), and its
        prediction, for which it is fitted when rows are asked about. Where too few cases have
        either label, both are the share of positives.
    """
    known = ~np.isnan(labels)
    prior = prior_of(labels)
    if not enough(labels[known]):
        return np.full(len(rows), prior), lambda other: np.full(len(other), prior)
    found = []
    for fit in candidates:
        inside = np.full(len(rows), np.nan)
        for train, test in inner:
            learnt = train[known[train]]
            inside[test] = (
                fit(rows[learnt], labels[learnt])(rows[test]) if enough(labels[learnt]) else prior
            )
        found.append(inside)
    losses = [_log_loss(inside, labels) for inside in found]
    best = int(np.argmin(losses))

    def predict(other: Rows) -> Rows:
        if not len(other):
            return np.empty(0)
        return candidates[best](rows[known], labels[known])(other)

    return found[best], predict


def enough(labels: Rows) -> bool:
    """Whether known labels hold enough of either outcome to fit anything."""
    return bool(min(labels.sum(), (1 - labels).sum()) >= LEAST_OF_EACH)


def _log_loss(scores: Rows, labels: Rows) -> float:
    known = ~np.isnan(scores + labels)
    if not known.any():
        return 0.0
    p, y = np.clip(scores[known], 1e-6, 1 - 1e-6), labels[known]
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def boosters(seed: int) -> tuple[Fit, ...]:
    """Large and small trees, to choose from."""
    return tuple(boosted(trees, seed) for trees in CANDIDATES)


def prior_of(labels: Rows) -> float:
    """Share of positives among known labels, pulled a little towards a half."""
    return float((np.nansum(labels) + 1) / ((~np.isnan(labels)).sum() + 2))
