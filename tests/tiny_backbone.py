"""A backbone small enough to train beside, and the clinic of two with a film for each case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from clinical.case.shapes import Array, Arrays
from clinical.config import StudyConfig
from clinical.modalities.radiograph import backbone_file
from clinical.modalities.radiograph.backbones import Recipe, measured, network_of
from pipelines.training.dataset import Dataset, cache_images

NAME = "tiny"
TINY = Recipe(
    NAME,
    "monai",
    (0.5,),
    (0.25,),
    image_size=64,
    network="DenseNet",
    layer="features",
    arguments={
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 2,
        "init_features": 8,
        "growth_rate": 4,
        "block_config": [1, 1],
    },
)


def write_tiny(file: Path, seed: int = 5) -> Path:
    """The file of its weights, which are random."""
    torch.manual_seed(seed)
    recipe = measured(TINY)
    backbone_file.write(file, recipe, network_of(recipe).state_dict())
    return file


def film(number: int, *, bright: bool) -> Arrays:
    """Noise, with a bright spot where the patient is inflamed."""
    values = np.random.default_rng(number).normal(0.3, 0.1, size=(80, 70)).astype(np.float32)
    if bright:
        values[20:40, 15:30] += 0.8
    return Arrays((Array(values, spacing=(1.0, 1.0)),))


def with_films(dataset: Dataset, study: StudyConfig, *, cached: bool = True) -> Dataset:
    """The same cases, each with a film: encoded as for a training, or as it was read."""
    cases = []
    for number, (one, labels) in enumerate(zip(dataset.cases, dataset.labels, strict=True)):
        inputs = {**one.case.inputs, "image": film(number, bright=bool(labels[0]))}
        case = replace(one.case, inputs=inputs)
        cases.append(cache_images(case, study, None, 0) if cached else replace(one, case=case))
    return replace(dataset, cases=tuple(cases))
