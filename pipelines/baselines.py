"""What a fusion model has to stand beside, fitted on exactly the same patients.

- `single_models`: one model for each modality alone. Measurements and history: histogram boosting
  or ridge logistic regression on the table; images and notes: ridge logistic regression on
  principal components of the pooled frozen embeddings. Which settings, is chosen out of fold.
- `late_fusion`: a logistic stacker on the out-of-fold log odds of those models, where an absent
  modality is no evidence and a flag (Huang et al. 2020, npj Digital Medicine 3:136).
- `boosting`: histogram boosting on all tables and components at once, missing kept missing.

All of them see training patients only; choices are made on patient-grouped folds inside those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipelines.splits import Indices, grouped_folds
from pipelines.vectors import Rows, Vectors

LATE_FUSION, BOOSTING = "late fusion", "boosting"
INNER_FOLDS = 3
COMPONENTS = 128
LEAST_OF_EACH = 5

Predict = Callable[[Rows], Rows]
Fit = Callable[[Rows, Rows], Predict]
"""(rows [cases, columns], labels [cases]) -> (rows -> probabilities [cases])."""


@dataclass(frozen=True, eq=False)
class Cut:
    """Vectors and labels of all cases, and which of them are learnt from and tested.

    Attributes:
        vectors: of all cases.
        reduced: `components` of their embeddings.
        labels: [cases, labels]; 1, 0 or NaN for unknown.
        patients: of all cases.
        train, test: indices.
        seed: of folds and fits.
    """

    vectors: Vectors
    reduced: Mapping[str, Rows]
    labels: Rows
    patients: tuple[str, ...]
    train: Indices
    test: Indices
    seed: int


@dataclass(frozen=True, eq=False)
class Scores:
    """Probabilities of one baseline; NaN where it cannot say.

    Attributes:
        inside: [training cases, labels], out of fold.
        test: [test cases, labels].
    """

    inside: Rows
    test: Rows


def boosted(leaves: int, rate: float, seed: int) -> Fit:
    """Histogram gradient boosting that reads NaN as missing."""

    def fit(rows: Rows, labels: Rows) -> Predict:
        model = HistGradientBoostingClassifier(
            max_leaf_nodes=leaves,
            learning_rate=rate,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
        # A column that is empty in this fold cannot be binned; a constant one says as little.
        empty = np.isnan(rows).all(axis=0)
        model.fit(np.where(empty, 0.0, rows), labels)
        return lambda other: np.asarray(model.predict_proba(np.where(empty, 0.0, other))[:, 1])

    return fit


def ridge(strength: float, *, whiten: bool = True) -> Fit:
    """Logistic regression with an L2 penalty on scaled columns; NaN is the mean and a flag.

    Args:
        strength: scikit-learn's C; smaller pulls harder.
        whiten: give every column the same spread; otherwise all share one factor, so that columns
            of small spread (late components) are pulled harder.
    """

    def fit(rows: Rows, labels: Rows) -> Predict:
        plain = _standardiser(rows, whiten)
        model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200)
        model.fit(plain(rows), labels)
        return lambda other: np.asarray(model.predict_proba(plain(other))[:, 1])

    return fit


def _standardiser(rows: Rows, whiten: bool) -> Predict:
    known = ~np.isnan(rows)
    number = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0).sum(axis=0) / number
    spread = np.sqrt(np.where(known, (rows - mean) ** 2, 0).sum(axis=0) / number)
    share = known.mean(axis=0)
    varied, patchy = spread > 1e-9, (share > 0) & (share < 1)
    if not whiten and varied.any():
        spread = np.where(varied, np.sqrt((spread[varied] ** 2).mean()), spread)
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
        prediction. Where too few cases have either label, both are the share of positives.
    """
    known = ~np.isnan(labels)
    prior = _prior(labels)
    if not _enough(labels[known]):
        return np.full(len(rows), prior), lambda other: np.full(len(other), prior)
    found = []
    for fit in candidates:
        inside = np.full(len(rows), np.nan)
        for train, test in inner:
            learnt = train[known[train]]
            inside[test] = (
                fit(rows[learnt], labels[learnt])(rows[test]) if _enough(labels[learnt]) else prior
            )
        found.append(inside)
    losses = [_log_loss(inside, labels) for inside in found]
    best = int(np.argmin(losses))
    return found[best], candidates[best](rows[known], labels[known])


def _enough(labels: Rows) -> bool:
    return bool(min(labels.sum(), (1 - labels).sum()) >= LEAST_OF_EACH)


def _log_loss(scores: Rows, labels: Rows) -> float:
    known = ~np.isnan(scores + labels)
    if not known.any():
        return 0.0
    p, y = np.clip(scores[known], 1e-6, 1 - 1e-6), labels[known]
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def _candidates(is_table: bool, seed: int) -> tuple[Fit, ...]:
    if is_table:
        return ridge(0.003), ridge(0.03), ridge(0.3), *_boosters(seed)
    return ridge(0.01), *(ridge(strength, whiten=False) for strength in (0.01, 0.1, 1.0))


def _boosters(seed: int) -> tuple[Fit, ...]:
    return boosted(31, 0.1, seed), boosted(6, 0.1, seed)


def components(vectors: Vectors, train: Indices, seed: int) -> dict[str, Rows]:
    """Principal components of every embedding [cases, kept], fitted on the training cases."""
    reduced = {}
    for name, rows in vectors.embeddings.items():
        present = vectors.present(name)
        learnt = train[present[train]]
        kept = min(COMPONENTS, len(learnt) - 1, rows.shape[1])
        values = np.full((len(rows), max(kept, 1)), np.nan)
        values[present] = 0.0
        if kept > 0 and np.ptp(rows[learnt], axis=0).any():
            # The first components of a few thousand columns need no full decomposition.
            pca = make_pipeline(
                StandardScaler(), PCA(kept, svd_solver="randomized", random_state=seed)
            ).fit(rows[learnt])
            values[present] = pca.transform(rows[present])
        reduced[name] = values
    return reduced


def single_models(cut: Cut) -> dict[str, Scores]:
    """A model for each modality alone, on the training cases that have it."""
    vectors, labels, train, test, seed = cut.vectors, cut.labels, cut.train, cut.test, cut.seed
    found = {}
    for name in vectors.modalities:
        is_table = name in vectors.tables
        rows = vectors.tables[name] if is_table else cut.reduced[name]
        present = vectors.present(name)
        inside = np.full((len(train), labels.shape[1]), np.nan)
        outside = np.full((len(test), labels.shape[1]), np.nan)
        has, had = np.flatnonzero(present[test]), np.flatnonzero(present[train])
        learnt = train[had]
        inner = inner_folds([cut.patients[i] for i in learnt], labels[learnt], seed)
        for column in range(labels.shape[1]):
            oof, predict = fit_best(
                _candidates(is_table, seed), rows[learnt], labels[learnt, column], inner
            )
            inside[had, column] = oof
            if len(has):
                outside[has, column] = predict(rows[test[has]])
        found[name] = Scores(inside, outside)
    return found


def late_fusion(singles: Mapping[str, Scores], cut: Cut) -> Scores:
    """Stacked probabilities; inside, the stacker has not seen the patients that it judges."""
    labels = cut.labels[cut.train]
    inner = inner_folds([cut.patients[i] for i in cut.train], labels, cut.seed)
    inside = np.full(labels.shape, np.nan)
    test = np.full((len(cut.test), labels.shape[1]), np.nan)
    for column in range(labels.shape[1]):
        y = labels[:, column]
        prior = _prior(y)
        learnt = _evidence([s.inside[:, column] for s in singles.values()], prior)
        asked = _evidence([s.test[:, column] for s in singles.values()], prior)
        test[:, column] = _stacked(learnt, y, asked, prior)
        for rows, held in inner:
            inside[held, column] = _stacked(learnt[rows], y[rows], learnt[held], prior)
    return Scores(inside, test)


def _stacked(learnt: Rows, labels: Rows, asked: Rows, prior: float) -> Rows:
    known = ~np.isnan(labels)
    if not _enough(labels[known]):
        return np.full(len(asked), prior)
    stacker = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=200)
    stacker.fit(learnt[known], labels[known])
    return np.asarray(stacker.predict_proba(asked)[:, 1])


def _prior(labels: Rows) -> float:
    return float((np.nansum(labels) + 1) / ((~np.isnan(labels)).sum() + 2))


def _evidence(probabilities: Sequence[Rows], prior: float) -> Rows:
    """Log odds beyond the prior (0 where absent), and whether each is there."""
    odds = [logit(np.clip(p, 1e-4, 1 - 1e-4)) - logit(prior) for p in probabilities]
    here = [~np.isnan(p) for p in probabilities]
    flags: list[NDArray[np.float64]] = [h.astype(np.float64) for h in here]
    return np.stack([*(np.nan_to_num(x) for x in odds), *flags], axis=1)


def boosting(cut: Cut) -> Scores:
    """Histogram boosting on everything at once; inside, one fold in three is judged."""
    labels, train = cut.labels, cut.train
    rows = np.concatenate([*cut.vectors.tables.values(), *cut.reduced.values()], axis=1)
    inner = inner_folds([cut.patients[i] for i in train], labels[train], cut.seed)[:1]
    inside, test = [], []
    for column in range(labels.shape[1]):
        oof, predict = fit_best(_boosters(cut.seed), rows[train], labels[train, column], inner)
        inside.append(oof)
        test.append(predict(rows[cut.test]))
    return Scores(np.stack(inside, axis=1), np.stack(test, axis=1))
