"""What a mark on an image measures: the numbers, their unit, and what a millimetre is there.

The browser shows the same as the mark is drawn (`ui/viewer/measure.js`); what is recorded is worked
out here, from the pixels and the spacing that the case has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.case.shapes import Array
from clinical.modalities.radiograph import unstated

Point = tuple[float, float]
"""Column and row, in pixels of the image; the outer corner of its first pixel is (0, 0)."""

PLACES = {
    "ImagerPixelSpacing": " at detector",
    "NominalScannedPixelSpacing": " on film",
}
"""Where millimetres are those of something else than the patient."""

LARGE_AREA = 100


@dataclass(frozen=True)
class Value:
    """One number of a mark.

    Attributes:
        name: "length", "angle", "area", "mean", "standard deviation", "minimum", "maximum",
            "pixels".
        value: in `unit`.
        unit: UCUM; "{pixels}" and "{pixels}2" where the image says no spacing, "" of grey values
            that are the device's own.
    """

    name: str
    value: float
    unit: str


def values_of(kind: str, array: Array, frame: int, points: Sequence[Point]) -> tuple[Value, ...]:
    """The numbers of a mark of this kind; none where it measures nothing.

    Args:
        kind: "length", "angle", "rectangle", or another.
        array: the image, rows x columns or frames x rows x columns.
        frame: from 1.
        points: two ends, end, corner and end, or two opposite corners.
    """
    measures: Mapping[str, Callable[[], tuple[Value, ...]]] = {
        "length": lambda: (Value("length", math.hypot(*_sides(array, points)), _unit(array)),),
        "angle": lambda: (Value("angle", _angle(array, points), "deg"),),
        "rectangle": lambda: _rectangle(array, frame, points),
    }
    return measures.get(kind, tuple)()


def said(values: Sequence[Value], calibration: str) -> str:
    """The numbers in words: "25.0 mm at detector"; "" where there are none.

    Args:
        values: of one mark.
        calibration: the attribute that says what a millimetre is, or "".
    """
    found = {value.name: value for value in values}
    place = PLACES.get(calibration, "")
    if "length" in found:
        return f"{_size(found['length'], 1)}{place}"
    if "angle" in found:
        return f"{found['angle'].value:.1f}°"
    if "area" not in found:
        return ""
    area = found["area"]
    size = f"area {_size(area, 1 if area.value < LARGE_AREA else 0)}{place}"
    if "mean" not in found:
        return f"{size}, no pixel inside"
    short = (("mean", "mean"), ("SD", "standard deviation"), ("min", "minimum"), ("max", "maximum"))
    greys = ", ".join(f"{word} {plain(found[name].value)}" for word, name in short if name in found)
    return f"{greys}, {size}, n {found['pixels'].value:.0f}"


def plain(value: float) -> str:
    """A number with four digits, whole where it is or has as many."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}"


def _size(value: Value, digits: int) -> str:
    unit = {"mm2": "mm²", "{pixels}": "px", "{pixels}2": "px²"}.get(value.unit, value.unit)
    return f"{value.value:.{digits if unit.startswith('mm') else 0}f} {unit}"


def _unit(array: Array) -> str:
    return "mm" if array.spacing else "{pixels}"


def _steps(array: Array) -> tuple[float, float]:
    """Millimetres, or pixels, from row to row and from column to column."""
    return (array.spacing[-2], array.spacing[-1]) if array.spacing else (1.0, 1.0)


def _sides(array: Array, points: Sequence[Point]) -> tuple[float, float]:
    (c0, r0), (c1, r1) = points
    down, across = _steps(array)
    return abs(c1 - c0) * across, abs(r1 - r0) * down


def _angle(array: Array, points: Sequence[Point]) -> float:
    height = unstated.aspect(array)
    start, corner, end = points

    def way(point: Point) -> float:
        return math.atan2((point[1] - corner[1]) * height, point[0] - corner[0])

    turn = abs(math.degrees(way(start) - way(end)))
    return min(turn, 360 - turn)


def _rectangle(array: Array, frame: int, points: Sequence[Point]) -> tuple[Value, ...]:
    across, down = _sides(array, points)
    area = Value("area", across * down, f"{_unit(array)}2")
    inside = _inside(array, frame, points)
    if not inside.size:
        return (area,)
    return (
        area,
        Value("mean", float(inside.mean()), array.unit),
        Value("standard deviation", float(inside.std()), array.unit),
        Value("minimum", float(inside.min()), array.unit),
        Value("maximum", float(inside.max()), array.unit),
        Value("pixels", float(inside.size), "1"),
    )


def _inside(array: Array, frame: int, points: Sequence[Point]) -> NDArray[np.float64]:
    """The pixels whose middle is in the rectangle."""
    plane = array.values.reshape(-1, *array.values.shape[-2:])[frame - 1]
    columns, rows = (sorted(part) for part in zip(*points, strict=True))
    left, top = (math.ceil(first - 0.5) for first, _ in (columns, rows))
    right, bottom = (math.ceil(last - 0.5) for _, last in (columns, rows))
    part = plane[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return np.asarray(part, np.float64)
