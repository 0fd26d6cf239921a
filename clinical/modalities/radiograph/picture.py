"""A radiograph and its heat maps as small PNG pictures inside the page (data URIs).

The window is the linear function of DICOM PS3.3 C.11.2.1.2.1. The heat map is a separate layer
with transparency, so that the reader can look at the radiograph without it.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clinical.case.assessment import Explanation, HeatMap
from clinical.case.shapes import Array, Arrays
from clinical.case.window import Window
from clinical.modalities.kit import Layer, Picture
from clinical.modalities.radiograph import unstated

LONGEST = 360  # pixels of a thumbnail's longer side
LARGE = 720  # the same of a picture with marks
LAYER = 120  # pixels of a heat map's longer side; it is smooth, the page scales it up
WEAK, STRONG = (255, 214, 10), (208, 0, 62)  # amber to crimson: ordered for colour-blind readers
OPACITY = 0.62


def thumbnail(value: Arrays, longest: int) -> str:
    """The first two-dimensional image as a small picture, or "" where there is none.

    Args:
        value: with its pixels.
        longest: pixels of the longer side.
    """
    return next((_uri(_small(image, longest)) for _, image in _flat(value)), "")


def pictures(name: str, value: Arrays, explanation: Explanation | None) -> list[Picture]:
    """Every two-dimensional image of an input, with the heat maps of one explanation."""
    found = []
    for number, image in _flat(value):
        maps = explanation.heat_maps if explanation else ()
        rows, columns = image.values.shape
        found.append(
            Picture(
                name,
                _uri(_small(image, LONGEST)),
                columns,
                rows,
                ", ".join(_caption(image)),
                tuple(_layer(m) for m in maps if (m.modality, m.item) == (name, number)),
            )
        )
    return found


def framed(
    name: str, image: Array, frame: int, window: Window | None, *, inverted: bool = False
) -> Picture:
    """One frame of an image as somebody looked at it.

    Args:
        name: of the image.
        image: rows x columns, or frames x rows x columns.
        frame: from 1.
        window: to show it with; None for the image's own.
        inverted: greys are turned round.
    """
    plane = image.values.reshape(-1, *image.values.shape[-2:])[frame - 1]
    level = grey(plane, *window_of(image))
    if window is not None:
        level = (np.nan_to_num(window.apply(plane)) * 255).round().astype(np.uint8)
    picture = Image.fromarray(255 - level if inverted else level)
    picture.thumbnail((LARGE, LARGE), Image.Resampling.LANCZOS)
    rows, columns = plane.shape
    return Picture(name, _uri(picture), columns, rows, "")


def _caption(image: Array) -> Iterator[str]:
    rows, columns = image.values.shape
    centre, width = window_of(image)
    yield f"{columns} × {rows}"
    yield f"window {centre:.0f} / {width:.0f}"
    if image.spacing and unstated.is_at_detector(image):
        yield unstated.AT_DETECTOR
    yield from unstated.of(image)


def _flat(value: Arrays) -> Iterator[tuple[int, Array]]:
    for number, image in enumerate(value.items):
        if image.axes == ("row", "column") and image.values.size:
            yield number, image


def window_of(image: Array) -> tuple[float, float]:
    """Centre and width to display with: the image's own, else its 1st to 99th percentile."""
    if image.window is not None and image.window[1] >= 1:
        return image.window
    finite = image.values[np.isfinite(image.values)]
    low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 1.0)
    return (float(low) + float(high)) / 2 + 0.5, max(float(high) - float(low), 1.0) + 1


def grey(values: NDArray[np.float32], centre: float, width: float) -> NDArray[np.uint8]:
    """Apply a linear window; brighter is denser. What is not a number is black."""
    steps = max(width - 1, 1e-6)  # a width of 1 is a threshold
    level = (values.astype(np.float64) - (centre - 0.5)) / steps + 0.5
    return (np.clip(np.nan_to_num(level), 0, 1) * 255).round().astype(np.uint8)


def _small(image: Array, longest: int) -> Image.Image:
    picture = Image.fromarray(grey(image.values, *window_of(image)))
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return picture


def _layer(heat_map: HeatMap) -> Layer:
    values = np.clip(np.array(heat_map.values, np.float32), 0, 1)
    rows, columns = values.shape
    scale = LAYER / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    smooth = Image.fromarray(values).resize(size, Image.Resampling.BILINEAR)
    strength = np.clip(np.asarray(smooth), 0, 1)[..., np.newaxis]
    colour = (1 - strength) * np.array(WEAK) + strength * np.array(STRONG)
    rgba = np.concatenate([colour, strength * OPACITY * 255], axis=-1)
    top, left, bottom, right = heat_map.box
    picture = Image.fromarray(rgba.round().astype(np.uint8), "RGBA")
    return Layer(_uri(picture), left, top, right - left, bottom - top)


def _uri(picture: Image.Image) -> str:
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
