"""Where on a film a heat map is strongest, as a radiologist names it, and in pixels of the film.

Zones are thirds of the height that lungs usually take on a frontal film, and its two sides. A film
shows the patient's right on its left; where the file does not say which side is which, the side of
the picture is named instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clinical.case.assessment import HeatMap
from clinical.case.sentences import Named, Region, Whole
from clinical.case.shapes import Array, Arrays
from clinical.modalities.kit import noun, the
from clinical.modalities.radiograph import unstated
from clinical.modalities.radiograph.views import view_of

STRONG = 0.5
"""Cells from this share of the strongest count as the region."""

ALIKE = 0.6
"""A second zone with at least this share of the first one's relevance is named beside it."""

HEIGHTS = (0.36, 0.57)
"""Where the upper zone ends and the lower begins, as shares of the film's height.

Thirds of the lungs, which on the embedded films reach from 0.14 to 0.79 of it (medians).
"""

MIDDLE = (0.45, 0.55)
"""What of the film's width is neither side, as the patient rarely stands quite in the middle."""

_ROWS = ("upper", "middle", "lower")
_PATIENT = {"left": "right", "right": "left"}

Cells = NDArray[np.float64]
Place = tuple[float, float]
Box = tuple[float, float, float, float]
Zone = tuple[str, int]
"""Side of the picture ("left", "right" or "" for neither) and number in `_ROWS`."""


def mapped(name: str, value: Arrays, heat_map: HeatMap) -> Named:
    """ "the right lower zone of the film", and the box around what is strongest there."""
    if not 0 <= heat_map.item < len(value.items):
        return Named(the(name), Whole(name))
    image = value.items[heat_map.item]
    cells = np.array(heat_map.values, np.float64)
    if image.axes != ("row", "column") or not cells.size or cells.max() <= 0:
        return Named(the(name), Whole(name))
    middles, edges = _places(heat_map, image)
    strong = np.where(cells >= STRONG * cells.max(), cells, 0.0)
    lateral = view_of(image.source.get("ViewPosition", "")) == "lateral"
    zones = _zones(strong, middles, lateral)
    inside = np.array([[_zone(at, lateral) in zones for at in row] for row in middles])
    film = f"the lateral {noun(name)}" if lateral else the(name)
    sided = not unstated.has_unknown_sides(image)
    place = _words(zones, film, lateral=lateral, sided=sided)
    facts = () if sided or lateral else _on_the_picture(zones)
    region = Region(name, heat_map.item, _box(strong * inside, edges, image), place)
    return Named(place, region, facts, the(name))


def _places(heat_map: HeatMap, image: Array) -> tuple[list[list[Place]], tuple[Cells, Cells]]:
    """Middle of every cell as shares of the film, and the edges of rows and columns in pixels."""
    top, left, bottom, right = heat_map.box
    rows, columns = len(heat_map.values), len(heat_map.values[0])
    down, across = np.linspace(top, bottom, rows + 1), np.linspace(left, right, columns + 1)
    height, width = image.values.shape
    middles = [
        [((a + b) / 2 / height, (c + d) / 2 / width) for c, d in pairwise(across.tolist())]
        for a, b in pairwise(down.tolist())
    ]
    return middles, (down, across)


def _zone(at: Place, lateral: bool) -> Zone:
    down, across = at
    row = sum(down >= limit for limit in HEIGHTS)
    if lateral or MIDDLE[0] <= across <= MIDDLE[1]:
        return "", row
    return ("left" if across < MIDDLE[0] else "right"), row


def _zones(strong: Cells, middles: list[list[Place]], lateral: bool) -> Sequence[Zone]:
    """The zone with most relevance, and a second one beside it that has nearly as much."""
    sums: dict[Zone, float] = {}
    for row, places in zip(strong.tolist(), middles, strict=True):
        for value, at in zip(row, places, strict=True):
            zone = _zone(at, lateral)
            sums[zone] = sums.get(zone, 0.0) + value
    first, *others = sorted(sums, key=lambda zone: -sums[zone])
    for other in others:
        if sums[other] >= ALIKE * sums[first] and _beside(first, other):
            return first, other
    return (first,)


def _beside(one: Zone, other: Zone) -> bool:
    """Two sides of one height, or heights of one side that touch."""
    if one[1] == other[1]:
        return {one[0], other[0]} == {"left", "right"}
    return one[0] == other[0] and abs(one[1] - other[1]) == 1


def _words(zones: Sequence[Zone], film: str, *, lateral: bool, sided: bool) -> str:
    """ "the right lower zone of the film"; a film shows the patient's right on its left."""
    sides = {side for side, _ in zones}
    rows = [_ROWS[row] for row in sorted({row for _, row in zones})]
    heights = " and ".join(rows)
    zone = "zones" if len(rows) > 1 else "zone"
    if len(sides) > 1:
        return f"both {heights} zones of {film}"
    side = sides.pop()
    if lateral:
        return f"the {heights} third{'s' if len(rows) > 1 else ''} of {film}"
    if not side:
        return (
            f"the {heights} centre of {film}"
            if rows in (["upper"], ["lower"])
            else f"the centre of {film}"
        )
    if not sided:
        return f"the {heights} {zone} of {film}"
    return f"the {_PATIENT[side]} {heights} {zone} of {film}"


def _on_the_picture(zones: Sequence[Zone]) -> tuple[str, ...]:
    """Where the file does not say which side is the patient's left: what a reader sees."""
    sides = {side for side, _ in zones}
    side = sides.pop() if len(sides) == 1 else ""
    return (f"on the {side} of the picture", unstated.ORIENTATION) if side else ()


def _box(strong: Cells, edges: tuple[Cells, Cells], image: Array) -> Box:
    """Around the cells that count, within the image."""
    rows, columns = np.nonzero(strong)
    down, across = edges
    height, width = image.values.shape
    return (
        max(0.0, float(down[rows.min()])),
        max(0.0, float(across[columns.min()])),
        min(float(height), float(down[rows.max() + 1])),
        min(float(width), float(across[columns.max() + 1])),
    )
