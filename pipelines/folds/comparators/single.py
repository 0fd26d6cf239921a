"""A separate model for each modality.

Measurements and history: histogram boosting or ridge regression on the table; images and notes:
ridge regression on principal components of the pooled frozen embeddings. Which settings, is chosen
out of fold on training patients.
"""

from __future__ import annotations

import numpy as np

from pipelines.folds.comparators.cut import Cut, Scores
from pipelines.folds.comparators.fitting import Fit, boosters, fit_best, ridge


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
        inner, chosen = cut.inner(learnt), []
        for column in range(labels.shape[1]):
            oof, predict = fit_best(
                _candidates(is_table, seed), rows[learnt], labels[learnt, column], inner
            )
            inside[had, column] = oof
            chosen.append(predict)
            if len(has):
                outside[has, column] = predict(rows[test[has]])
        found[name] = Scores(inside, outside, tuple(chosen))
    return found


def _candidates(is_table: bool, seed: int) -> tuple[Fit, ...]:
    if is_table:
        return ridge(0.003), ridge(0.03), ridge(0.3), *boosters(seed)
    return ridge(0.01), *(ridge(strength, [slice(None)]) for strength in (0.01, 0.1, 1.0))
