"""AutoML on the features that ridge regression uses, on request; needs the extra `automl`.

FLAML (Wang et al. 2021, MLSys, https://arxiv.org/abs/1911.04706) searches learners and their
settings in turn, by log loss on the inner folds of the other comparators. Trials are counted and
never timed, and learners take turns, so that a slower machine finds the same model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import PredefinedSplit

from pipelines.folds.comparators.automl_extra import require_automl
from pipelines.folds.comparators.cut import Cut, Scores, component_blocks, everything
from pipelines.folds.comparators.fitting import (
    Fit,
    Predict,
    enough,
    fit_best,
    prior_of,
    standardiser,
)
from pipelines.folds.splits import Indices
from pipelines.folds.tabular import Rows

LEARNERS = ("lgbm", "xgboost", "rf", "extra_tree", "lrl2")
"""FLAML's names of two boosters, two forests and logistic regression."""


def automl(cut: Cut, trials: int) -> Scores:
    """Probabilities of every label, each from a search of its own.

    Args:
        cut: what is trained on and what is tested.
        trials: settings that are tried for each label, over all learners.

    Raises:
        ConfigError: if the extra is not installed.
    """
    require_automl(trials)
    labels, train = cut.labels, cut.train
    rows, blocks = everything(cut), component_blocks(cut)
    inner = cut.inner(train)
    inside, test = [], []
    for column in range(labels.shape[1]):
        y = labels[train, column]
        found = _searched(
            standardiser(rows[train], blocks)(rows[train]), y, inner, trials, cut.seed
        )
        oof, predict = fit_best([_fit(found, blocks)], rows[train], y, inner)
        inside.append(oof)
        test.append(predict(rows[cut.test]))
    return Scores(np.stack(inside, axis=1), np.stack(test, axis=1))


def _searched(
    rows: Rows, labels: Rows, inner: Sequence[tuple[Indices, Indices]], trials: int, seed: int
) -> Any | None:
    """The best classifier, not fitted; None where no inner fold has enough of either outcome."""
    known = ~np.isnan(labels)
    fold = np.full(len(labels), -1)
    for number, (learnt, held) in enumerate(inner):
        if enough(labels[learnt[known[learnt]]]) and known[held].any():
            fold[held] = number
    if fold[known].max(initial=-1) < 0:
        return None
    with _undisturbed():
        from flaml.automl import AutoML

        search = AutoML()
        search.fit(
            rows[known],
            labels[known].astype(np.int64),
            task="classification",
            metric="log_loss",
            estimator_list=list(LEARNERS),
            max_iter=trials,
            time_budget=-1,
            learner_selector="roundrobin",
            eval_method="cv",
            split_type=PredefinedSplit(fold[known]),
            sample=False,
            skip_transform=True,
            seed=seed,
            n_jobs=1,
            mlflow_logging=False,
            verbose=0,
        )
    return clone(search.model.estimator).set_params(random_state=seed)


def _fit(found: Any | None, blocks: Sequence[slice]) -> Fit:
    def fit(rows: Rows, labels: Rows) -> Predict:
        if found is None:
            prior = prior_of(labels)
            return lambda other: np.full(len(other), prior)
        plain = standardiser(rows, blocks)
        model = clone(found).fit(plain(rows), labels.astype(np.int64))
        return lambda other: np.asarray(model.predict_proba(plain(other))[:, 1], dtype=np.float64)

    return fit


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Undo what importing FLAML does to the process.

    It silences warnings, and sets a variable with which Arrow writes local times as if they were
    UTC: the times in predictions.parquet would be wrong by the zone.
    """
    before = dict(os.environ)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
