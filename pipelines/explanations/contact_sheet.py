"""A few examples of the pointing game as one picture.

One row for each case: the radiograph with the mask's outline, then the map of each method over it
with a cross at its strongest patch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import binary_erosion

from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.cohorts import folder
from clinical.modalities.encoding import Prepared
from clinical.modalities.radiograph.picture import grey, window_of
from clinical.model.model import Model
from pipelines.explanations.pointing import Point
from pipelines.explanations.saliency import (
    GRAD_CAM_BACKBONE,
    OURS,
    RAW_ATTENTION,
    Scores,
    model_maps,
    read,
)
from pipelines.training import masks
from pipelines.training.masks import IMAGE, Masks

SIDE = 192
PER_DIAGNOSIS = 2
_METHODS = (OURS, GRAD_CAM_BACKBONE, RAW_ATTENTION)
_CAPTION = 14
_OUTLINE, _CROSS = (0, 220, 255), (60, 255, 60)


def write(
    file: Path,
    root: Path,
    model: Model,
    cases: Mapping[str, Mapping[str, Prepared]],
    found: Masks,
    points: Sequence[Point],
) -> None:
    """Write the first `PER_DIAGNOSIS` cases of every diagnosis, in the order of the cohort."""
    chosen: list[Point] = []
    for point in points:
        same = sum(other.diagnosis == point.diagnosis for other in chosen)
        if point.method == OURS and same < PER_DIAGNOSIS:
            chosen.append(point)
    chosen.sort(key=lambda point: (point.diagnosis, point.case_id))
    wanted = frozenset(point.case_id for point in chosen)
    images = {
        case.case_id: case.inputs[IMAGE].arrays[0]
        for case in folder.read(root, wanted)
        if isinstance(case, Case)
    }
    rows = []
    for point in chosen:
        image, mask = images[point.case_id], masks.visible(found[point.case_id], point.diagnosis)
        if mask is not None:
            graph = read(model.network, cases[point.case_id])
            maps = model_maps(model.network, graph, model.diagnoses.index(point.diagnosis))
            rows.append(_row(point, image, mask, maps))
    sheet = Image.new("RGB", (SIDE * (1 + len(_METHODS)), sum(row.height for row in rows)))
    for number, row in enumerate(rows):
        sheet.paste(row, (0, number * row.height))
    sheet.save(file, optimize=True)


def _row(
    point: Point, image: Array, mask: NDArray[np.bool_], maps: Mapping[str, Scores]
) -> Image.Image:
    row = Image.new("RGB", (SIDE * (1 + len(_METHODS)), SIDE + _CAPTION))
    draw = ImageDraw.Draw(row)
    plain = np.stack([grey(image.values, *window_of(image))] * 3, axis=-1)
    outlined = plain.copy()
    outlined[mask & ~binary_erosion(mask, iterations=3)] = _OUTLINE
    row.paste(_square(outlined), (0, _CAPTION))
    draw.text((2, 1), f"{point.diagnosis} {point.case_id}", fill="white")
    for number, method in enumerate(_METHODS, start=1):
        row.paste(_overlay(outlined, maps[method]), (number * SIDE, _CAPTION))
        draw.text((number * SIDE + 2, 1), method, fill="white")
    return row


def _square(pixels: NDArray[np.uint8]) -> Image.Image:
    """Padded to its longer side as the encoder pads, and made small."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    square = Image.new("RGB", (side, side))
    square.paste(Image.fromarray(pixels), ((side - width) // 2, (side - height) // 2))
    return square.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _overlay(pixels: NDArray[np.uint8], values: Scores) -> Image.Image:
    cells = round(len(values) ** 0.5)
    strength = (values / values.max() if values.max() > 0 else values).reshape(cells, cells)
    layer = Image.fromarray(strength.astype(np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR
    )
    red = Image.new("RGB", (SIDE, SIDE), (255, 60, 0))
    opacity = Image.fromarray((np.clip(np.asarray(layer), 0, 1) * 150).astype(np.uint8))
    shown = Image.composite(red, _square(pixels), opacity)
    if values.max() > 0:
        y, x = ((np.array(divmod(int(values.argmax()), cells)) + 0.5) * SIDE / cells).tolist()
        draw = ImageDraw.Draw(shown)
        draw.line((x - 6, y, x + 6, y), fill=_CROSS, width=2)
        draw.line((x, y - 6, x, y + 6), fill=_CROSS, width=2)
    return shown
