"""Teachers say of training patients what others tell, and know nobody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from clinic_of_two import STUDY, make_dataset
from cut_of_two import TEST, TRAIN

from clinical.model.calibration import auroc
from pipelines.folds.comparators.fitting import CANDIDATES, boosted
from pipelines.folds.tabular import Vectors, vectors
from pipelines.folds.teachers import SHARE, teach
from pipelines.training.dataset import Dataset
from pipelines.training.soft_targets import ALL
from pipelines.training.train import Targets

NOBODY = np.array([], dtype=np.intp)
TAUGHT = replace(STUDY, training=replace(STUDY.training, teachers=True))


def learnt(dataset: Dataset, rows: Vectors | None = None) -> Targets:
    found = teach(dataset, rows or vectors(dataset.cases), TRAIN, NOBODY, TAUGHT)
    assert found is not None
    return found.targets


def word_of_the_teacher(found: Targets, dataset: Dataset, name: str) -> np.ndarray:
    """What is left of targets of the training cases without the outcome's share."""
    return (found[name][TRAIN] - (1 - SHARE) * dataset.labels[TRAIN]) / SHARE


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return make_dataset(200)


@pytest.fixture(scope="module")
def found(dataset: Dataset) -> Targets:
    return learnt(dataset)


def test_every_modality_and_all_together_have_a_teacher(dataset: Dataset, found: Targets) -> None:
    assert set(found) == {ALL, "history", "measurements", "notes"}
    for name, column in (("measurements", 0), ("history", 1), (ALL, 0), (ALL, 1)):
        said = word_of_the_teacher(found, dataset, name)[:, column]
        assert auroc(said, dataset.labels[TRAIN, column]) > 0.9


def test_only_training_patients_are_read(dataset: Dataset, found: Targets) -> None:
    labels = dataset.labels.copy()
    labels[TEST] = 1 - labels[TEST]
    rows = vectors(dataset.cases)
    for table in rows.tables.values():
        table[TEST] *= -7
    other = learnt(replace(dataset, labels=labels), rows)
    for name, values in found.items():
        assert np.isnan(values[TEST]).all()
        np.testing.assert_array_equal(values, other[name])


def test_a_teacher_has_not_seen_the_patient_of_whom_it_speaks(dataset: Dataset) -> None:
    luck = np.random.default_rng(3)
    drawn = replace(dataset, labels=(luck.random(dataset.labels.shape) < 0.5).astype(float))
    rows = vectors(drawn.cases)
    labels = drawn.labels[TRAIN, 0]
    # Whoever has seen them knows even outcomes that nothing tells of.
    table = rows.tables["measurements"][TRAIN]
    assert auroc(boosted(CANDIDATES[0], seed=0)(table, labels)(table), labels) > 0.8
    found = learnt(drawn, rows)
    for name in (ALL, "measurements"):
        said = word_of_the_teacher(found, drawn, name)[:, 0]
        assert auroc(said, labels) < 0.65


def test_where_the_outcome_is_unknown_the_teacher_alone_is_learnt(dataset: Dataset) -> None:
    labels = dataset.labels.copy()
    labels[TRAIN[:10], 0] = np.nan
    said = learnt(replace(dataset, labels=labels))[ALL][TRAIN[:10], 0]
    assert auroc(said, dataset.labels[TRAIN[:10], 0]) > 0.9


def test_an_outcome_too_rare_to_teach_is_learnt_as_it_is(dataset: Dataset) -> None:
    labels = dataset.labels.copy()
    labels[:, 1] = 0
    labels[TRAIN[0], 1] = 1
    said = learnt(replace(dataset, labels=labels))
    for values in said.values():
        np.testing.assert_array_equal(values[TRAIN, 1], labels[TRAIN, 1])


def test_a_study_may_learn_from_outcomes_alone(dataset: Dataset) -> None:
    alone = replace(STUDY, training=replace(STUDY.training, teachers=False))
    assert teach(dataset, vectors(dataset.cases), TRAIN, NOBODY, alone) is None
