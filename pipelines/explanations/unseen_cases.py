"""A cohort that a model has not learnt from, as the model takes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clinical.cohorts.sources import source
from clinical.model.model import Model
from pipelines.training.dataset import Dataset, read_dataset


def read_unseen(root: Path, model: Model, out: Path) -> Dataset:
    """Cases and labels of a cohort in the folder format; features of images are kept in `out`.

    Raises:
        CohortError: if the cohort cannot be read.
    """
    study = replace(
        model.study,
        diagnoses=model.diagnoses,
        cohort=replace(model.study.cohort, source="folder", limit=0),
        training=replace(model.study.training, mask_weight=0.0),
    )
    return read_dataset(source("folder"), root, study, out / "features", 0)
