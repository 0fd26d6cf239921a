"""A radiograph with one heat map at full size: its values pixel by pixel, and as a colour picture.

Both are of the film as it is hung for readers. The values are those of the patches, with nothing
made up between them; the picture is smooth, as on the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clinical.case.assessment import HeatMap
from clinical.case.shapes import Array
from clinical.dicom.parametric_map import UNCOVERED
from clinical.modalities.radiograph.picture import OPACITY, STRONG, WEAK, grey, window_of

SHORTEST, LONGEST = 1024, 2048
"""Pixels of the longer side of a picture: enough to read its words, and no more than is shown."""

_LINE = 1 / 40  # height of a line of words, of the picture's longer side


def relevance(heat_map: HeatMap, rows: int, columns: int) -> NDArray[np.float32]:
    """[rows, columns] of the image: the value of the patch that covers each pixel's centre."""
    cells = np.array(heat_map.values, np.float32)
    top, left, bottom, right = heat_map.box
    down = _cells_of(rows, top, bottom, cells.shape[0])
    across = _cells_of(columns, left, right, cells.shape[1])
    found = np.full((rows, columns), UNCOVERED, np.float32)
    inside = np.ix_(down >= 0, across >= 0)
    found[inside] = cells[np.ix_(down[down >= 0], across[across >= 0])]
    return found


def captured(image: Array, heat_map: HeatMap, lines: Sequence[str]) -> NDArray[np.uint8]:
    """[rows, columns, 3]: the film in its window, the heat map over it, and words at its top.

    Args:
        image: two-dimensional.
        heat_map: of it.
        lines: what has to be read with the picture; letters beyond Latin-1 become "?".
    """
    film = Image.fromarray(grey(image.values, *window_of(image)))
    rows, columns = image.values.shape
    longer = max(rows, columns)
    scale = min(max(longer, SHORTEST), LONGEST) / longer
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    shown = film.resize(size, Image.Resampling.LANCZOS).convert("RGB")
    layer = _layer(heat_map, scale)
    top, left = heat_map.box[0] * scale, heat_map.box[1] * scale
    shown.paste(layer, (round(left), round(top)), layer)
    return np.asarray(_with_words(shown, lines))


def _cells_of(pixels: int, start: float, end: float, cells: int) -> NDArray[np.intp]:
    """Number of the cell over each pixel's centre along one axis, or -1."""
    place = (np.arange(pixels) + 0.5 - start) / (end - start) * cells
    return np.where((place >= 0) & (place < cells), place, -1).astype(np.intp)


def _layer(heat_map: HeatMap, scale: float) -> Image.Image:
    top, left, bottom, right = heat_map.box
    size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
    cells = Image.fromarray(np.clip(np.array(heat_map.values, np.float32), 0, 1))
    smooth = np.asarray(cells.resize(size, Image.Resampling.BILINEAR))
    strength = np.clip(smooth, 0, 1)[..., np.newaxis]
    colour = (1 - strength) * np.array(WEAK) + strength * np.array(STRONG)
    layer = np.concatenate([colour, strength * OPACITY * 255], axis=-1)
    return Image.fromarray(layer.round().astype(np.uint8), "RGBA")


def _with_words(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """The picture under a black band, so that the words hide nothing of it."""
    height = max(12, round(max(picture.size) * _LINE))
    plain = [line.encode("latin-1", "replace").decode("latin-1") for line in lines]
    font = ImageFont.load_default(size=height * 0.75)
    widest = max((font.getlength(line) for line in plain), default=1)
    if widest > picture.width - height:  # a narrow picture: smaller words, whole
        font = ImageFont.load_default(
            size=max(6.0, height * 0.75 * (picture.width - height) / widest)
        )
    band = height * len(plain) + height // 2
    whole = Image.new("RGB", (picture.width, picture.height + band))
    whole.paste(picture, (0, band))
    draw = ImageDraw.Draw(whole)
    for number, line in enumerate(plain):
        draw.text(
            (height // 2, height // 4 + number * height), line, fill=(255, 255, 255), font=font
        )
    return whole
