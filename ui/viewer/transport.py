"""Pixels on their way to the browser: float32 in, 16-bit samples with slope and intercept out."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.case import Array
from clinical.errors import ImageError

LEVELS = 65535


@dataclass(frozen=True, eq=False)
class Samples:
    """16-bit samples of an image: value = sample * slope + intercept.

    Attributes:
        values: rows x columns, uint16.
        slope, intercept: in the unit of the source array.
        exact: True where the source values come back without any loss.
    """

    values: NDArray[np.uint16]
    slope: float
    intercept: float
    exact: bool


@dataclass(frozen=True)
class Window:
    """Centre and width to display with, in the unit of the source array, and the key it answers."""

    label: str
    key: str
    centre: float
    width: float


def to_samples(array: Array) -> Samples:
    """16-bit samples of a rows x columns `array`; lossless where it holds at most 65,536 integers.

    Other values are rounded to the nearest of 65,536 equal steps from smallest to largest.

    Raises:
        ImageError: if the array is not one plane or holds values that are not numbers.
    """
    values = array.values
    if values.ndim != 2 or not values.size:
        raise ImageError(
            f"The viewer shows single planes, not {values.ndim} dimensions.",
            remedy="choose one plane of the study",
        )
    if not np.isfinite(values).all():
        raise ImageError(
            "The image holds values that are not numbers.", remedy="read the source file again"
        )
    low, high = float(values.min()), float(values.max())
    whole = high - low <= LEVELS and bool(np.equal(np.rint(values), values).all())
    slope = 1.0 if whole or high == low else (high - low) / LEVELS
    steps = np.rint((values.astype(np.float64) - low) / slope)
    return Samples(steps.astype("<u2"), slope, low, whole or high == low)


def to_bytes(digest: str, samples: Samples) -> bytes:
    """One message: uint32 length, JSON header of that length, little-endian uint16 samples."""
    rows, columns = samples.values.shape
    header = json.dumps(
        {
            "digest": digest,
            "rows": rows,
            "columns": columns,
            "slope": samples.slope,
            "intercept": samples.intercept,
        }
    ).encode()
    return struct.pack("<I", len(header)) + header + samples.values.astype("<u2").tobytes()


def windows(array: Array) -> tuple[Window, ...]:
    """Presets for a radiograph; the first is the one it opens with.

    Radiograph values have no common unit (unlike Hounsfield units), so all but the window that the
    file itself asks for are percentiles of the image's own values.
    """
    points = np.percentile(array.values, [0, 1, 5, 35, 70, 99.5, 100])
    least, low, dark, middle, bright, high, most = (float(point) for point in points)
    first = (
        Window("Default", "1", *array.window)
        if array.window and array.window[1] > 0
        else _between("Default", "1", low, high)
    )
    return (
        first,
        _between("Lung", "2", dark, bright),
        _between("Mediastinum", "3", middle, high),
        _between("Full", "4", least, most),
    )


def _between(label: str, key: str, low: float, high: float) -> Window:
    return Window(label, key, (low + high) / 2, max(high - low, 1e-6))
