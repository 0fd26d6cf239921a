"""What the network sees is square on the patient, whatever the shape of the pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from clinical.case.shapes import Array, Arrays
from clinical.modalities.radiograph import encoder

SIZE = 96


def disc(rows: int, columns: int, pixel: tuple[float, float]) -> NDArray[np.float32]:
    """A bright disc of 30 mm on 100 mm by 80 mm, sampled by pixels of that size."""
    y = (np.arange(rows) + 0.5) * pixel[0] - 50
    x = (np.arange(columns) + 0.5) * pixel[1] - 40
    soft: NDArray[np.float32] = np.clip(30 - np.hypot(y[:, None], x), 0, 4).astype(np.float32)
    return soft


SQUARE = disc(200, 160, (0.5, 0.5))


@pytest.mark.parametrize(
    ("rows", "columns", "pixel"),
    [(200, 80, (0.5, 1.0)), (100, 160, (1.0, 0.5)), (200, 160, (0.5, 0.5))],
)
def test_pixels_of_any_shape_give_the_same_picture(
    rows: int, columns: int, pixel: tuple[float, float]
) -> None:
    seen = encoder.network_input(disc(rows, columns, pixel), SIZE, pixel=pixel)
    right = encoder.network_input(SQUARE, SIZE)
    assert seen.shape == right.shape == (3, SIZE, SIZE)
    assert float((seen - right).abs().mean()) < 0.02
    wrong = encoder.network_input(disc(rows, columns, pixel), SIZE)
    if pixel[0] != pixel[1]:
        assert float((wrong - right).abs().mean()) > 0.1


@pytest.mark.parametrize("pixel", [(1.0, 1.0), (0.14, 0.14), (0.2, 0.2005)])
def test_square_pixels_change_nothing(pixel: tuple[float, float]) -> None:
    right = encoder.network_input(SQUARE, SIZE)
    assert torch.equal(encoder.network_input(SQUARE, SIZE, pixel=pixel), right)


@pytest.mark.parametrize(
    ("image", "pixel"),
    [
        (Array(SQUARE), (1, 1)),
        (Array(SQUARE, spacing=(0.3, 0.2)), (0.3, 0.2)),
        (Array(SQUARE, source={"PixelAspectRatio": "1:2"}), (1, 2)),
    ],
)
def test_the_shape_of_a_pixel(image: Array, pixel: tuple[float, float]) -> None:
    assert encoder.pixel_of(image) == pixel


def test_the_heat_map_lies_over_what_the_network_saw() -> None:
    image = Array(disc(200, 80, (0.5, 1.0)), spacing=(0.5, 1.0))
    (box,) = encoder.prepare(Arrays((image,)), encoder.Settings(image_size=96)).boxes
    # 100 mm square: all 200 rows, and 100 columns of which 80 are there.
    assert box == (0.0, -10.0, 200.0, 90.0)
