"""Ridge logistic regression on all tables and components at once, with missingness flags."""

from __future__ import annotations

import numpy as np

from pipelines.folds.comparators.cut import Cut, Scores, component_blocks, everything
from pipelines.folds.comparators.fitting import fit_best, ridge

RIDGE = "ridge regression"
STRENGTHS = (0.003, 0.03, 0.3)


def ridge_regression(cut: Cut) -> Scores:
    """Probabilities of every label; the strength of the penalty is chosen out of fold."""
    labels, train = cut.labels, cut.train
    rows = everything(cut)
    inner = cut.inner(train)
    blocks = component_blocks(cut)
    candidates = [ridge(strength, blocks) for strength in STRENGTHS]
    inside, test, chosen = [], [], []
    for column in range(labels.shape[1]):
        oof, predict = fit_best(candidates, rows[train], labels[train, column], inner)
        inside.append(oof)
        test.append(predict(rows[cut.test]))
        chosen.append(predict)
    return Scores(np.stack(inside, axis=1), np.stack(test, axis=1), tuple(chosen))
