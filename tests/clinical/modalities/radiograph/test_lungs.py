from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clinical.case.shapes import Array, Arrays
from clinical.errors import ConfigError
from clinical.modalities.radiograph import encoder, lungs
from clinical.modalities.radiograph.encoder import Settings, prepare, weights_files
from clinical.modalities.radiograph.lungs import (
    box_of,
    brightness,
    coarse,
    cropped,
    equalised,
    lung_mask,
    place,
)


def chest(rows: int = 160, columns: int = 200) -> NDArray[np.float32]:
    """Two dark fields in a bright body, on a black background: enough for a pair of lungs."""
    y, x = np.linspace(0, 1, rows)[:, None], np.linspace(0, 1, columns)[None]
    body = (np.abs(x - 0.5) < 0.42) & (y > 0.1)
    film: NDArray[np.float64] = np.where(body, 0.75 + 0.15 * y, 0.02)
    for middle in (0.32, 0.68):
        inside = ((x - middle) / 0.12) ** 2 + ((y - 0.48) / 0.28) ** 2 < 1
        film = np.where(inside, 0.3 + 0.1 * y, film)
    return film.astype(np.float32)


def test_ranks_do_not_change_with_exposure_or_gamma() -> None:
    film = chest()
    np.testing.assert_allclose(equalised(film), equalised(4095 * film + 100), atol=0.01)
    assert float(np.abs(np.subtract(equalised(film), equalised(np.power(film, 1.4)))).mean()) < 0.01
    assert (equalised(film) >= 0).all()
    assert (equalised(film) <= 1).all()


def test_a_film_of_one_grey_has_one_rank() -> None:
    assert np.unique(equalised(np.full((8, 8), 7, np.float32))).size == 1


def test_the_box_holds_the_lungs_and_a_margin() -> None:
    mask = np.zeros((lungs.SIDE, lungs.SIDE), bool)
    mask[32:96, 16:112] = True
    top, left, bottom, right = box_of(mask)
    assert 0.2 < top < 0.25
    assert 0.07 < left < 0.125
    assert 0.75 < bottom < 0.8
    assert 0.875 < right < 0.93
    assert bottom - top < right - left


def test_a_stray_spot_moves_nothing() -> None:
    mask = np.zeros((lungs.SIDE, lungs.SIDE), bool)
    mask[32:96, 16:112] = True
    spotted = mask.copy()
    spotted[126, 2] = True
    np.testing.assert_allclose(box_of(spotted), box_of(mask), atol=0.01)


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_what_cannot_be_lungs_cuts_nothing(share: float) -> None:
    mask = np.zeros((lungs.SIDE, lungs.SIDE), bool)
    mask[: round(share * lungs.SIDE)] = True
    assert box_of(mask) == (0.0, 0.0, 1.0, 1.0)


def test_the_lungs_of_a_drawn_chest_are_found() -> None:
    film = chest()
    mask = lung_mask(film)
    assert mask[60, 40]
    assert mask[60, 87]
    assert not mask[:8].any()


def test_the_crop_is_cut_from_the_film_and_is_a_square_on_the_patient() -> None:
    image = Array(chest())
    where = place(image)
    top, left, bottom, right = where
    assert all(low < high for low, high in pairwise((0, top, bottom)))
    assert all(low < high for low, high in pairwise((0, left, right)))
    crop = cropped(image, where)
    assert crop.values.shape == (bottom - top, right - left)
    high, wide = encoder.pixel_of(crop)
    assert high * crop.values.shape[0] == pytest.approx(wide * crop.values.shape[1])


def test_a_large_film_is_reduced_first() -> None:
    image = Array(np.kron(chest(), np.ones((6, 6), np.float32)))
    crop = cropped(image, place(image))
    assert max(crop.values.shape) <= lungs.LOW


def test_a_coarse_crop_holds_brightness_and_no_sharpness() -> None:
    sharp = chest(480, 600)
    grain = np.random.default_rng(0).normal(0, 0.05, sharp.shape).astype(np.float32)
    image, grainy = Array(sharp), Array(np.add(sharp, grain, dtype=np.float32))
    where = place(image)
    seen, other = coarse(image, where), coarse(grainy, where)
    assert max(seen.values.shape) <= lungs.COARSE
    np.testing.assert_allclose(seen.values, other.values, atol=0.15)
    # The exposure is gone, and what is bright is still bright.
    np.testing.assert_allclose(coarse(Array(3000 * sharp), where).values, seen.values, atol=0.05)
    middle = seen.values[:, seen.values.shape[1] // 2].mean()
    assert middle > seen.values.mean()


def test_a_white_zone_is_seen_in_its_zone() -> None:
    film = chest()
    usual = brightness(Array(film))
    white = film.copy()
    white[88:118, 120:152] = 0.85  # the lower part of the lung on the right of the film
    found = brightness(Array(white))
    assert usual.shape == (8,)
    assert np.argmax(np.subtract(found, usual)[:6]) == 5
    assert found[7] > usual[7] + 0.1
    assert usual[6] < 0  # lungs are darker than what lies around them


@pytest.mark.parametrize("crop", ["lungs", "coarse lungs"])
def test_patches_of_a_crop_lie_where_the_lungs_are(crop: str) -> None:
    value = Arrays((Array(chest()),))
    settings = Settings(image_size=64, crop=crop)
    found = prepare(value, settings)
    assert found.features["patch"].shape == (4, 560)
    assert found.boxes == (tuple(float(edge) for edge in place(value.items[0])),)
    whole = prepare(value, Settings(image_size=64))
    assert not np.allclose(found.features["patch"], whole.features["patch"], atol=0.1)


def test_a_crop_has_its_weights_in_the_digest_and_the_whole_film_has_not() -> None:
    assert lungs.WEIGHTS in weights_files(Settings(crop="lungs"))
    assert lungs.WEIGHTS not in weights_files(Settings())


def test_only_lungs_can_be_cut_out() -> None:
    with pytest.raises(ConfigError, match=r"model.radiograph.crop is 'heart'"):
        Settings(crop="heart")


def test_the_network_is_frozen_and_small() -> None:
    network = lungs.network()
    assert not any(p.requires_grad for p in network.parameters())
    assert sum(p.numel() for p in network.parameters()) < 1_000_000
    with torch.inference_mode():
        logits = network(torch.zeros(2, 1, lungs.SIDE, lungs.SIDE))
    assert logits.shape == (2, len(lungs.OUTLINED), lungs.SIDE, lungs.SIDE)
