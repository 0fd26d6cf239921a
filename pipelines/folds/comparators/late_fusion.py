"""A logistic stacker on the out-of-fold log odds of the single models.

An absent modality is no evidence and a flag (Huang et al. 2020, npj Digital Medicine 3:136).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from pipelines.folds.comparators.cut import Cut, Scores
from pipelines.folds.comparators.fitting import enough, prior_of
from pipelines.folds.tabular import Rows

LATE_FUSION = "late fusion"


def late_fusion(singles: Mapping[str, Scores], cut: Cut) -> Scores:
    """Stacked probabilities; inside, the stacker has not seen the patients that it judges."""
    labels = cut.labels[cut.train]
    inner = cut.inner(cut.train)
    inside = np.full(labels.shape, np.nan)
    test = np.full((len(cut.test), labels.shape[1]), np.nan)
    for column in range(labels.shape[1]):
        y = labels[:, column]
        prior = prior_of(y)
        learnt = evidence([s.inside[:, column] for s in singles.values()], prior)
        asked = evidence([s.test[:, column] for s in singles.values()], prior)
        test[:, column] = _said(stacker(learnt, y), asked, prior)
        for rows, held in inner:
            inside[held, column] = _said(stacker(learnt[rows], y[rows]), learnt[held], prior)
    return Scores(inside, test)


def stacker(learnt: Rows, labels: Rows) -> LogisticRegression | None:
    """Fitted to `evidence` [cases, columns]; None where too few labels are known."""
    known = ~np.isnan(labels)
    if not enough(labels[known]):
        return None
    model = LogisticRegression(C=1.0, solver="newton-cholesky", max_iter=200)
    return model.fit(learnt[known], labels[known])


def _said(model: LogisticRegression | None, asked: Rows, prior: float) -> Rows:
    if model is None or not len(asked):
        return np.full(len(asked), prior)
    return np.asarray(model.predict_proba(asked)[:, 1])


def evidence(probabilities: Sequence[Rows], prior: float) -> Rows:
    """Log odds beyond the prior (0 where absent), then whether each is there [cases, columns]."""
    odds = [logit(np.clip(p, 1e-4, 1 - 1e-4)) - logit(prior) for p in probabilities]
    here = [~np.isnan(p) for p in probabilities]
    flags: list[NDArray[np.float64]] = [h.astype(np.float64) for h in here]
    return np.stack([*(np.nan_to_num(x) for x in odds), *flags], axis=1)
