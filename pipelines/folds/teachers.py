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
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from clinical.config import StudyConfig
from pipelines.folds import plain_readers
from pipelines.folds.comparators.boosting import BOOSTING, boosting
from pipelines.folds.comparators.cut import Cut, Scores, components
from pipelines.folds.comparators.fitting import enough, prior_of
from pipelines.folds.comparators.late_fusion import LATE_FUSION, late_fusion
from pipelines.folds.comparators.ridge_regression import RIDGE, ridge_regression
from pipelines.folds.comparators.single import single_models
from pipelines.folds.splits import Indices
from pipelines.folds.tabular import Rows, Vectors
from pipelines.training.beside import Plain
from pipelines.training.dataset import Dataset
from pipelines.training.soft_targets import ALL
from pipelines.training.stacking import fit_stack
from pipelines.training.train import Targets

SHARE = 0.8
"""What teachers count beside the outcome."""

FOLDS, FOLDS_OF_MANY, MANY = 5, 3, 1000
"""Teachers learn from four fifths of few patients; of many, two thirds teach as well."""

_NOBODY: Indices = np.array([], dtype=np.intp)


@dataclass(frozen=True, eq=False)
class Taught:
    """What simple models bring to a training.

    Attributes:
        targets: evidence to what is to be learnt [all cases, diagnoses], 0 to 1; NaN where nothing
            is known. `soft_targets.ALL`, and each modality; only training cases are filled.
        plain: the same models as readers that speak beside the network's.
    """

    targets: Targets
    plain: Plain


def teach(
    dataset: Dataset, vectors: Vectors, training: Indices, validation: Indices, study: StudyConfig
) -> Taught | None:
    """Fit simple models, and let them say what they know.

    Args:
        dataset: everything; only the cases of `training` and `validation` are read.
        vectors: its rows for the comparators.
        training: indices of the cases to learn from; all that is chosen is chosen on them.
        validation: of those that are added when all has been chosen.
        study: its seed.

    Returns:
        None where the study learns from outcomes alone, or there is nothing to read.
    """
    if not study.training.teachers or not vectors.modalities:
        # Whoever trains says what is wrong where there is nothing to learn from.
        return None
    reduced = components(vectors, training, study.seed)
    rows = replace(vectors, embeddings=reduced)
    folds = FOLDS if len(training) < MANY else FOLDS_OF_MANY
    patients = tuple(dataset.patients)
    cut = Cut(rows, reduced, dataset.labels, patients, training, _NOBODY, study.seed, folds)
    singles = single_models(cut)
    late = late_fusion(singles, cut)
    trees = plain_readers.trees_over_tables(cut)
    choice = plain_readers.choose(cut, singles, late, trees)
    everybody = np.sort(np.concatenate([training, validation]))
    boosted = boosting(cut) if trees is None or reduced else trees
    together = {LATE_FUSION: late, RIDGE: ridge_regression(cut), BOOSTING: boosted}
    said = {name: scores.inside for name, scores in singles.items()}
    said[ALL] = _stacked(together, cut)
    readers = [
        plain_readers.fit(choice, vectors, learnt, dataset.labels, study.seed)
        for learnt in (training, everybody)
    ]
    return Taught(_targets(said, dataset.labels, training), Plain(*readers))


def _targets(said: Mapping[str, Rows], labels: Rows, training: Indices) -> Targets:
    few = [not enough(y[~np.isnan(y)]) for y in labels[training].T]
    found = {}
    for name, inside in said.items():
        inside[:, few] = np.nan
        table = np.full(labels.shape, np.nan)
        table[training] = _beside(inside, labels[training])
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
    for rows, held in cut.inner(cut.train):
        stack = fit_stack({name: x[rows] for name, x in odds.items()}, labels[rows], prior)
        found[held] = expit(stack.logits({name: x[held] for name, x in odds.items()}))
    return found


def _beside(inside: Rows, labels: Rows) -> Rows:
    """Teachers' probabilities beside outcomes; whichever is known alone where one is not."""
    both = SHARE * inside + (1 - SHARE) * labels
    return np.where(np.isnan(inside), labels, np.where(np.isnan(labels), inside, both))
