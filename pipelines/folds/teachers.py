"""What the simple comparators say of training patients whom they have not seen.

A reader that learns outcomes of a few hundred patients learns their chance too. What ridge
regression and boosting say of a patient, learnt from the others, has next to no chance in it
(distillation: Hinton et al. 2015, arXiv 1503.02531), so every reader learns its modality from the
model that late fusion has for it, and all together learn from a stack of late fusion, ridge
regression and boosting. Outcomes keep a share, for what none of these can read.

Only training patients are read, and each is judged by models fitted on other patients.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import expit, logit

from clinical.config import StudyConfig
from pipelines.folds.comparators.boosting import BOOSTING, boosting
from pipelines.folds.comparators.cut import Cut, Scores, components
from pipelines.folds.comparators.fitting import enough, inner_folds, prior_of
from pipelines.folds.comparators.late_fusion import LATE_FUSION, late_fusion
from pipelines.folds.comparators.ridge_regression import RIDGE, ridge_regression
from pipelines.folds.comparators.single import single_models
from pipelines.folds.splits import Indices
from pipelines.folds.tabular import Rows, Vectors
from pipelines.training.dataset import Dataset
from pipelines.training.soft_targets import ALL
from pipelines.training.stacking import fit_stack
from pipelines.training.train import Targets

SHARE = 0.8
"""What teachers count beside the outcome."""

_NOBODY: Indices = np.array([], dtype=np.intp)


def targets(
    dataset: Dataset, vectors: Vectors, training: Indices, study: StudyConfig
) -> Targets | None:
    """Evidence to what is to be learnt [all cases, diagnoses]; NaN where nothing is known.

    Args:
        dataset: everything; only the cases of `training` are read.
        vectors: its rows for the comparators.
        training: indices of the cases to learn from.
        study: its seed.

    Returns:
        `soft_targets.ALL`, and each modality, to values in 0 to 1; only rows of `training` are
        filled. None where the study learns from outcomes alone, or there is nothing to read.
    """
    if not study.training.teachers or not vectors.modalities:
        # Whoever trains says what is wrong where there is nothing to learn from.
        return None
    reduced = components(vectors, training, study.seed)
    rows = Vectors(vectors.tables, reduced)
    patients = tuple(dataset.patients)
    cut = Cut(rows, reduced, dataset.labels, patients, training, _NOBODY, study.seed)
    singles = single_models(cut)
    together = {
        LATE_FUSION: late_fusion(singles, cut),
        RIDGE: ridge_regression(cut),
        BOOSTING: boosting(cut),
    }
    said = {name: scores.inside for name, scores in singles.items()}
    said[ALL] = _stacked(together, cut)
    labels = dataset.labels[training]
    few = [not enough(y[~np.isnan(y)]) for y in labels.T]
    found = {}
    for name, inside in said.items():
        inside[:, few] = np.nan
        table = np.full(dataset.labels.shape, np.nan)
        table[training] = _beside(inside, labels)
        found[name] = table
    return found


def _stacked(scores: Mapping[str, Scores], cut: Cut) -> Rows:
    """Probabilities [training cases, labels] of a stack, each of one that learnt from others."""
    labels = cut.labels[cut.train]
    prior = logit([prior_of(y) for y in labels.T])
    # A share of the log odds each: where nothing else is learnt, the stack is their mean.
    odds = {
        name: (logit(np.clip(one.inside, 1e-4, 1 - 1e-4)) - prior) / len(scores)
        for name, one in scores.items()
    }
    found = np.full(labels.shape, np.nan)
    for rows, held in inner_folds([cut.patients[i] for i in cut.train], labels, cut.seed):
        stack = fit_stack({name: x[rows] for name, x in odds.items()}, labels[rows], prior)
        found[held] = expit(stack.logits({name: x[held] for name, x in odds.items()}))
    return found


def _beside(inside: Rows, labels: Rows) -> Rows:
    """Teachers' probabilities beside outcomes; whichever is known alone where one is not."""
    both = SHARE * inside + (1 - SHARE) * labels
    return np.where(np.isnan(inside), labels, np.where(np.isnan(labels), inside, both))
