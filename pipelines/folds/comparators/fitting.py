"""How one label is fitted from feature rows, and how its settings are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
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


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Fitted trees.

    Attributes:
        model: that gives the probabilities.
        empty: columns that had no value to learn from [columns]; they are read as 0.
    """

    model: HistGradientBoostingClassifier
    empty: NDArray[np.bool_]

    def __call__(self, rows: Rows) -> Rows:
        """Probabilities [cases]; NaN is missing."""
        return np.asarray(self.model.predict_proba(np.where(self.empty, 0.0, rows))[:, 1])

    @property
    def base(self) -> float:
        """Log odds before the first tree."""
        return float(np.ravel(self.model._baseline_prediction)[0])

    def nodes(self) -> list[NDArray[np.void]]:
        """The nodes of every tree, as scikit-learn keeps them."""
        return [tree.nodes for (tree,) in self.model._predictors]


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
        empty = np.asarray(np.isnan(rows).all(axis=0))
        model.fit(np.where(empty, 0.0, rows), labels)
        return BoostedTrees(model, empty)

    return fit


@dataclass(frozen=True, eq=False)
class Scaling:
    """Rows to scaled columns without gaps, a flag for each column that has any, and ones.

    Attributes:
        mean, spread: of the known values [columns].
        share: of rows where a column is known [columns].
        varied, patchy: columns whose value, and whose presence, is kept [columns].
    """

    mean: Rows
    spread: Rows
    share: Rows
    varied: NDArray[np.bool_]
    patchy: NDArray[np.bool_]

    @property
    def flag_spread(self) -> Rows:
        """Standard deviation of each flag that is kept."""
        share = self.share[self.patchy]
        return np.asarray(np.sqrt(share * (1 - share)))

    def __call__(self, rows: Rows) -> Rows:
        """Scaled rows [cases, kept]."""
        values = ((rows - self.mean)[:, self.varied]) / self.spread[self.varied]
        flags = ((~np.isnan(rows)) - self.share)[:, self.patchy] / self.flag_spread
        return np.concatenate([np.nan_to_num(values), flags, np.ones((len(rows), 1))], axis=1)


@dataclass(frozen=True, eq=False)
class RidgeModel:
    """A fitted logistic regression and the scaling of its columns."""

    scaling: Scaling
    model: LogisticRegression

    def __call__(self, rows: Rows) -> Rows:
        """Probabilities [cases]."""
        return np.asarray(self.model.predict_proba(self.scaling(rows))[:, 1])

    def lines(self) -> tuple[Rows, float]:
        """The same in log odds: slope, offset and what a missing value says; the rest.

        A value x of a column adds slope * x + offset [3, columns].
        """
        scaling, found = self.scaling, np.zeros((3, len(self.scaling.mean)))
        weights = self.model.coef_[0]
        varied = int(scaling.varied.sum())
        found[0, scaling.varied] = weights[:varied] / scaling.spread[scaling.varied]
        found[1] = -found[0] * scaling.mean
        flags = weights[varied:-1] / scaling.flag_spread
        found[1, scaling.patchy] += flags * (1 - scaling.share[scaling.patchy])
        found[2, scaling.patchy] = -flags * scaling.share[scaling.patchy]
        return found, float(self.model.intercept_[0] + weights[-1])


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
        return RidgeModel(plain, model)

    return fit


def standardiser(rows: Rows, blocks: Sequence[slice]) -> Scaling:
    """The scaling of some rows; columns of a block share one spread."""
    known = ~np.isnan(rows)
    number = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0).sum(axis=0) / number
    spread = np.sqrt(np.where(known, (rows - mean) ** 2, 0).sum(axis=0) / number)
    share = known.mean(axis=0)
    varied, patchy = spread > 1e-9, (share > 0) & (share < 1)
    for block in blocks:
        own = spread[block][varied[block]]
        spread[block] = np.where(varied[block], np.sqrt((own**2).sum() / max(len(own), 1)), 0)
    return Scaling(mean, spread, share, varied, patchy)


def inner_folds(
    patients: Sequence[str], labels: Rows, seed: int, folds: int = INNER_FOLDS
) -> tuple[tuple[Indices, Indices], ...]:
    """Patient-grouped folds inside the training cases, for every choice that a baseline makes."""
    folds = min(folds, len(set(patients)))
    return tuple(grouped_folds(patients, labels, folds, seed)) if folds > 1 else ()


@dataclass(frozen=True, eq=False)
class Chosen:
    """What is fitted for one label, and to what; fitted when rows are asked about.

    Attributes:
        fit: None where too few cases have either label.
        rows, labels: of the cases whose label is known.
        prior: share of positives, which is said where nothing can be fitted.
    """

    fit: Fit | None
    rows: Rows
    labels: Rows
    prior: float

    def __call__(self, other: Rows) -> Rows:
        """Probabilities [cases]."""
        if not len(other):
            return np.empty(0)
        found = self.fitted()
        return np.full(len(other), self.prior) if found is None else found(other)

    def fitted(self) -> Predict | None:
        """The fitted model, or None."""
        return None if self.fit is None else self.fit(self.rows, self.labels)


def fit_best(
    candidates: Sequence[Fit],
    rows: Rows,
    labels: Rows,
    inner: Sequence[tuple[Indices, Indices]],
) -> tuple[Rows, Chosen]:
    """The candidate with the lowest out-of-fold log loss, to be fitted on all rows.

    Returns:
        Its out-of-fold probabilities [cases] (NaN for cases that no inner fold tests), and what
        predicts. Where too few cases have either label, both are the share of positives.
    """
    known = ~np.isnan(labels)
    prior = prior_of(labels)
    if not enough(labels[known]):
        return np.full(len(rows), prior), Chosen(None, rows[known], labels[known], prior)
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
    return found[best], Chosen(candidates[best], rows[known], labels[known], prior)


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
