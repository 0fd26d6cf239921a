"""What comparators are given of the clinic of two: 150 cases to learn from, 50 to test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph.encoder import grid_sources
from pipelines.folds.comparators.cut import Cut, components
from pipelines.folds.tabular import vectors
from pipelines.training.dataset import Dataset

TRAIN, TEST = np.arange(150), np.arange(150, 200)


def cut_of(dataset: Dataset, seed: int = 0) -> Cut:
    rows = vectors(dataset.cases)
    reduced = components(rows, TRAIN, seed)
    patients = tuple(dataset.patients)
    return Cut(rows, reduced, dataset.labels, patients, TRAIN, TEST, seed)


def with_images(dataset: Dataset) -> Dataset:
    """Patches that are brighter in one corner where "failure" holds; a third have no image."""
    generator = np.random.default_rng(4)
    cases = []
    for number, cached in enumerate(dataset.cases):
        patches = generator.normal(size=(16, 12)).astype(np.float16)
        patches[0] += 3 * dataset.labels[number, 1]
        image = Prepared({"patch": patches}, grid_sources(16))
        cases.append(replace(cached, images={"image": (image,)} if number % 3 else {}))
    return replace(dataset, cases=tuple(cases))
