"""How the halves of a film differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clinical.case.shapes import Array, Arrays
from clinical.modalities.radiograph import encoder
from clinical.modalities.radiograph.sides import CELLS, sides

FILM = np.random.default_rng(3).random((301, 260), dtype=np.float32)


def test_a_mirror_image_has_the_same_numbers_with_the_other_sign() -> None:
    found = sides(FILM)
    assert found.shape == (CELLS * CELLS // 2 + 1,)
    assert np.abs(found).max() > 0.01
    np.testing.assert_allclose(sides(FILM[:, ::-1]), -found, atol=1e-5)


def test_halves_that_are_alike_give_nothing() -> None:
    alike = np.concatenate([FILM, FILM[:, ::-1]], axis=1)
    np.testing.assert_allclose(sides(alike), 0, atol=1e-5)


def test_exposure_and_gamma_do_not_count() -> None:
    np.testing.assert_allclose(sides(FILM * 4000 + 7), sides(FILM), atol=0.05)


def test_a_cell_says_how_much_brighter_it_is_than_its_mirror_image() -> None:
    left = np.zeros((128, 128), dtype=np.float32)
    left[:, :64] = 1
    assert (sides(left)[:-1] > 0.4).all()


@pytest.mark.parametrize(
    ("view", "told"), [("", True), ("PA", True), ("AP", True), ("LATERAL", False), ("odd", False)]
)
def test_only_a_frontal_film_has_a_left_and_a_right(view: str, told: bool) -> None:
    image = Array(FILM, source={"ViewPosition": view} if view else {})
    assert (encoder.sides(Arrays((image,))) is not None) is told


def test_the_film_to_look_at_first_is_the_one_that_counts() -> None:
    first = Array(FILM, source={"ViewPosition": "PA"})
    other = replace(first, values=FILM[:, ::-1])
    found = encoder.sides(Arrays((first, other)))
    assert found is not None
    np.testing.assert_array_equal(found, sides(FILM))
