"""How well one thing predicts another, always out of fold by patient.

Ridge logistic regression on standardised columns, and patient-bootstrap intervals. Scores of
different folds are pooled, so each leaves out its fold's intercept: training folds with more
positives leave test folds with fewer, and intercepts alone would push an honest 0.5 below 0.5
(Forman and Scholz 2010, SIGKDD Explorations 12:49-57).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipelines.folds.splits import Indices, grouped_folds
from pipelines.statistics.metrics import (
    Interval,
    areas_of,
    auroc_interval,
    bootstrap_weights,
    interval,
)

LEAST_OF_EACH = 10
"""Cases of either outcome, below which a guard is skipped."""

PRIOR_VARIANCE = 4.0
"""Of the log odds under the ridge's prior, however many columns there are."""

_MOST_WORDS = 5000
_WORD = r"(?u)\b\w\w+\b"

Values = NDArray[np.float64]
Fitted = Callable[[Indices, Indices], Values]
"""(training cases, tested cases) -> log odds of each class without intercept [tested, classes]."""


@dataclass(frozen=True)
class Judging:
    """How guards are judged.

    Attributes:
        folds: patient-grouped folds.
        samples: of the patient bootstrap.
        seed: of folds and bootstrap.
    """

    folds: int = 5
    samples: int = 1000
    seed: int = 0


def too_few(labels: Values, patients: Sequence[str], judging: Judging) -> str:
    """Why labels [cases] (1, 0 or NaN) cannot be learnt out of fold, or ""."""
    for outcome, word in ((1, "with"), (0, "without")):
        rows = np.flatnonzero(labels == outcome).tolist()
        people = len({patients[i] for i in rows})
        if len(rows) < LEAST_OF_EACH or people < judging.folds:
            return (
                f"too few: {len(rows)} cases of {people} patients are {word} it, and"
                f" {LEAST_OF_EACH} cases of {judging.folds} patients are needed"
            )
    return ""


def table_scores(rows: Values, labels: Values, patients: Sequence[str], judging: Judging) -> Values:
    """Out-of-fold scores [cases] of a label from rows [cases, columns]; gaps are the mean.

    No flag says where a gap was, so what is missing tells nothing here (`missingness` asks that).
    Cases without a known label, and test folds whose training cases hold one outcome, are NaN.
    """

    def fitted(train: Indices, test: Indices) -> Values:
        return _linear(rows[train], labels[train], rows[test])

    return _pooled(fitted, labels[:, None], patients, judging, classes=1)[:, 0]


def text_scores(
    texts: Sequence[str], labels: Values, patients: Sequence[str], judging: Judging
) -> Values:
    """Out-of-fold scores [cases] of a label from a TF-IDF bag of words; see `table_scores`."""

    def fitted(train: Indices, test: Indices) -> Values:
        return _bag_of_words([texts[i] for i in train], labels[train], [texts[i] for i in test])

    return _pooled(fitted, labels[:, None], patients, judging, classes=1)[:, 0]


def group_scores(
    rows: Values, groups: Sequence[str], patients: Sequence[str], judging: Judging
) -> tuple[Values, Values]:
    """Out-of-fold scores of each group from rows, and which group it is.

    Args:
        rows: [cases, columns].
        groups: of every case.
        patients: of every case.
        judging: folds and seed.

    Returns:
        Probabilities that take all groups for equally frequent, and memberships, both
        [cases, groups] with the groups in sorted order.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    belongs = np.eye(len(names))[member]

    def fitted(train: Indices, test: Indices) -> Values:
        scores = np.full((len(test), len(names)), -np.inf)
        learnt = np.unique(member[train])
        if len(learnt) < 2:
            return np.full_like(scores, np.nan)
        found = _linear(rows[train], member[train].astype(np.float64), rows[test])
        scores[:, learnt] = np.hstack([-found, found]) if len(learnt) == 2 else found
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    return _pooled(fitted, belongs, patients, judging, classes=len(names)), belongs


def label_auroc(
    scores: Values, labels: Values, patients: Sequence[str], judging: Judging
) -> Interval:
    """AUROC of one label with its interval."""
    return auroc_interval(scores, labels, patients, samples=judging.samples, seed=judging.seed)


def group_auroc(
    scores: Values, belongs: Values, patients: Sequence[str], judging: Judging
) -> Interval:
    """Mean AUROC of each group against the rest [cases, groups], with its interval.

    All groups count alike, and no prevalence enters (Fawcett 2006, Pattern Recognition Letters
    27:861-874, section 9).
    """
    weights = bootstrap_weights(patients, judging.samples, judging.seed)
    areas = areas_of(scores[None], belongs, weights)
    defined = np.isfinite(areas.value)
    if not defined.any():
        return Interval(None, None, None, len(scores), 0)
    mean = areas.samples[:, defined].mean(axis=1)
    return interval(float(areas.value[defined].mean()), mean, len(scores))


def _pooled(
    fitted: Fitted, labels: Values, patients: Sequence[str], judging: Judging, classes: int
) -> Values:
    """Scores [cases, classes] of every fold's test cases; NaN where a label is unknown."""
    scores = np.full((len(labels), classes), np.nan)
    known = np.flatnonzero(~np.isnan(labels).any(axis=1))
    people = [patients[i] for i in known.tolist()]
    for train, test in grouped_folds(people, labels[known], judging.folds, judging.seed):
        scores[known[test]] = fitted(known[train], known[test])
    return scores


def _linear(rows: Values, classes: Values, other: Values) -> Values:
    if len(np.unique(classes)) < 2:
        return np.full((len(other), 1), np.nan)
    plain = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    model = _ridge(rows.shape[1]).fit(plain.fit_transform(rows), classes)
    scores: Values = model.decision_function(plain.transform(other)).reshape(len(other), -1)
    return np.asarray(scores - model.intercept_)


def _ridge(columns: int) -> LogisticRegression:
    return LogisticRegression(C=PRIOR_VARIANCE / max(columns, 1), max_iter=500)


def _bag_of_words(texts: Sequence[str], labels: Values, other: Sequence[str]) -> Values:
    if len(np.unique(labels)) < 2:
        return np.full((len(other), 1), np.nan)
    words = TfidfVectorizer(sublinear_tf=True, max_features=_MOST_WORDS, token_pattern=_WORD)
    if not any(map(words.build_analyzer(), texts)):
        return np.zeros((len(other), 1))
    model = make_pipeline(words, LogisticRegression(C=PRIOR_VARIANCE, max_iter=500))
    model.fit(texts, labels)
    return np.asarray(model.decision_function(other)[:, None] - model[-1].intercept_)
