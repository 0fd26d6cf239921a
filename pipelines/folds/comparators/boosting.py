"""Histogram gradient boosting on all tables and components at once; missing values stay missing."""

from __future__ import annotations

import numpy as np

from pipelines.folds.comparators.cut import Cut, Scores, everything
from pipelines.folds.comparators.fitting import boosters, fit_best

BOOSTING = "boosting"


def boosting(cut: Cut) -> Scores:
    """Probabilities of every label; which trees, is chosen out of fold."""
    labels, train = cut.labels, cut.train
    rows = everything(cut)
    inner = cut.inner(train)
    inside, test, chosen = [], [], []
    for column in range(labels.shape[1]):
        oof, predict = fit_best(boosters(cut.seed), rows[train], labels[train, column], inner)
        inside.append(oof)
        test.append(predict(rows[cut.test]))
        chosen.append(predict)
    return Scores(np.stack(inside, axis=1), np.stack(test, axis=1), tuple(chosen))
