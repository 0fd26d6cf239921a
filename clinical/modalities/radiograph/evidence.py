"""Where on an image a suggestion rests: relevance of patches as a heat map in source pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clinical.case.assessment import EvidenceItem, HeatMap
from clinical.modalities.encoding import Prepared


def heat_maps(
    name: str,
    part: NDArray[np.float64],
    prepared: Prepared,
    scale: float,  # noqa: ARG001 - part of the contract
) -> tuple[tuple[HeatMap, ...], tuple[EvidenceItem, ...]]:
    """One heat map for each image that was read, each scaled to its own strongest patch.

    Args:
        name: of the input.
        part: relevance of every patch [tokens]; what is negative is not drawn.
        prepared: the patches and the pixels that they cover.
        scale: not used; a map is relative to itself.
    """
    numbers = range(len(prepared.boxes))
    return tuple(_heat_map(name, part, prepared, number) for number in numbers), ()


def _heat_map(name: str, part: NDArray[np.float64], prepared: Prepared, number: int) -> HeatMap:
    cells = [
        (source.cell, value)
        for source, value in zip(prepared.sources, part, strict=True)
        if source.index == number and source.cell is not None
    ]
    grid = np.zeros((max(r for (r, _), _ in cells) + 1, max(c for (_, c), _ in cells) + 1))
    for (row, column), value in cells:
        grid[row, column] = max(value, 0.0)
    strongest = grid.max()
    if strongest > 0:
        grid /= strongest
    values = tuple(tuple(round(float(v), 4) for v in line) for line in grid)
    return HeatMap(name, values, prepared.boxes[number], number)
