"""Two images of one case: one model reads both, each with a heat map of its own; another one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from clinical.case.shapes import Array, Arrays
from clinical.errors import ConfigError
from clinical.modalities.encoding import collate
from clinical.modalities.radiograph import encoder

CELLS = 9


def film(seed: int, rows: int, columns: int) -> Array:
    return Array(np.random.default_rng(seed).random((rows, columns), dtype=np.float32))


@pytest.fixture(scope="module")
def two() -> Arrays:
    return Arrays((film(0, 100, 60), film(1, 80, 80)))


def test_a_model_of_one_image_reads_the_first(two: Arrays) -> None:
    one = encoder.Settings(image_size=96)
    both, first = encoder.prepare(two, one), encoder.prepare(Arrays(two.items[:1]), one)
    assert both.sources == first.sources
    np.testing.assert_array_equal(both.features["patch"], first.features["patch"])


def test_a_model_of_two_images_knows_which_patch_is_of_which(two: Arrays) -> None:
    settings = encoder.Settings(width=16, components=4, image_size=96, images=2)
    prepared = encoder.prepare(two, settings)
    assert [source.index for source in prepared.sources] == [0] * CELLS + [1] * CELLS
    assert prepared.boxes == ((0.0, -20.0, 100.0, 80.0), (0.0, 0.0, 80.0, 80.0))
    heat_maps, items = encoder.evidence("image", np.arange(18.0), prepared, 1.0)
    assert [(heat_map.modality, heat_map.item) for heat_map in heat_maps] == [
        ("image", 0),
        ("image", 1),
    ]
    assert heat_maps[0].box != heat_maps[1].box
    assert items == ()


def test_the_same_patch_in_another_image_is_another_token(two: Arrays) -> None:
    torch.manual_seed(0)
    settings = encoder.Settings(width=16, components=4, image_size=96, images=2)
    network = encoder.Encoder(settings).eval()
    twice = encoder.prepare(Arrays((two.items[0], two.items[0])), settings)
    network.adapt([twice])
    batch = collate([twice])
    assert batch is not None
    tokens = network(batch).tokens[0]
    assert not torch.allclose(tokens[:CELLS], tokens[CELLS:])


def test_comparators_get_the_first_image(two: Arrays) -> None:
    settings = encoder.Settings(image_size=96, images=2)
    row, alone = (
        encoder.pooled(encoder.prepare(value, settings)) for value in (two, Arrays(two.items[:1]))
    )
    assert row is not None
    assert alone is not None
    np.testing.assert_array_equal(row, alone)


@pytest.mark.parametrize("wrong", [{"image_size": 100}, {"image_size": 32}, {"images": 0}])
def test_a_size_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"model\.radiograph"):
        encoder.Settings(**wrong)
