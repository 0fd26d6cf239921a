"""Pixels on their way to the browser: float32 in, 16-bit samples with slope and intercept out."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.case.shapes import Array, Arrays, shape_as_json
from clinical.case.window import Window
from clinical.errors import ImageError
from clinical.modalities.radiograph import unstated

LEVELS = 65535


LARGEST_BYTES = 190_000_000
"""Of one message; Streamlit sends none above 200 MB."""

_SAMPLE = 4_000_000


@dataclass(frozen=True, eq=False)
class Samples:
    """16-bit samples of an image: value = sample * slope + intercept.

    Attributes:
        values: uint16, rows x columns or frames x rows x columns.
        slope, intercept: in the unit of the source array.
        exact: True where the source values come back without any loss.
    """

    values: NDArray[np.uint16]
    slope: float
    intercept: float
    exact: bool


@dataclass(frozen=True)
class Preset:
    """A window to choose by name, and the key it answers ("" after the ninth)."""

    label: str
    key: str
    window: Window


def frame_id(array: Array) -> str:
    """What the browser knows `array` by: a digest of pixels, spacing, windows and source."""
    return canonical.digest(shape_as_json(Arrays((array,))))


def to_samples(array: Array) -> Samples:
    """16-bit samples of `array`; lossless where it holds at most 65,536 integers.

    Other values are rounded to the nearest of 65,536 equal steps from smallest to largest.

    Raises:
        ImageError: if the array is neither one plane nor several, is too large to be sent, or holds
            values that are not numbers.
    """
    values = array.values
    if values.ndim not in (2, 3) or not values.size:
        raise ImageError(
            f"The viewer shows planes, not {values.ndim} dimensions.",
            remedy="choose one plane, or one series of planes, of the study",
        )
    if 2 * values.size > LARGEST_BYTES:
        raise ImageError(
            f"The image has {values.size:,} samples; the viewer takes {LARGEST_BYTES // 2:,}.",
            remedy="choose fewer frames of the study",
        )
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise ImageError(
            "The image holds values that are not numbers.", remedy="read the source file again"
        )
    whole = high - low <= LEVELS and bool(np.equal(np.rint(values), values).all())
    slope = 1.0 if whole or high == low else (high - low) / LEVELS
    steps = np.rint((values.astype(np.float64) - low) / slope)
    return Samples(steps.astype("<u2"), slope, low, whole or high == low)


def message(array: Array) -> bytes:
    """One message: uint32 length, JSON header of that length, little-endian uint16 samples.

    Raises:
        ImageError: as `to_samples`.
    """
    samples = to_samples(array)
    rows, columns = samples.values.shape[-2:]
    header = json.dumps(
        {
            "id": frame_id(array),
            "frames": samples.values.shape[0] if samples.values.ndim == 3 else 1,
            "rows": rows,
            "columns": columns,
            "slope": samples.slope,
            "intercept": samples.intercept,
            "range": max(float(array.values.max()) - samples.intercept, 1e-6),
            "spacing": list(array.spacing[-2:]) if array.spacing else None,
            "aspect": unstated.aspect(array),
            "spacingFrom": unstated.spacing_from(array),
            "presets": [_preset_as_json(preset) for preset in presets(array)],
        }
    ).encode()
    return struct.pack("<I", len(header)) + header + samples.values.tobytes()


def presets(array: Array) -> tuple[Preset, ...]:
    """Windows to choose from; the first is the one the image opens with.

    Those of the file come first. Radiograph values have no common unit (unlike Hounsfield units),
    so all others are percentiles of the image's own values.
    """
    named: dict[str, Window] = {}
    for label, window in (*_of_the_file(array), *_of_the_values(array)):
        shown, number = label, 2
        while shown in named:
            shown, number = f"{label} {number}", number + 1
        named[shown] = window
    return tuple(
        Preset(label, str(place) if place < 10 else "", window)
        for place, (label, window) in enumerate(named.items(), start=1)
    )


def _of_the_file(array: Array) -> Iterator[tuple[str, Window]]:
    for number, window in enumerate(array.windows):
        yield window.explanation.capitalize() or ("Window" if number else "Default"), window
    if not array.windows and array.window and array.window[1] > 0:
        yield "Default", Window("LINEAR_EXACT", *array.window)


def _of_the_values(array: Array) -> Iterator[tuple[str, Window]]:
    flat = array.values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)]
    points = np.percentile(sample, [1, 5, 35, 70, 99.5])
    low, dark, middle, bright, high = (float(point) for point in points)
    if not array.windows and not (array.window and array.window[1] > 0):
        yield "Default", _between(low, high)
    yield "Lung", _between(dark, bright)
    yield "Mediastinum", _between(middle, high)
    yield "Full", _between(float(flat.min()), float(flat.max()))


def _between(low: float, high: float) -> Window:
    return Window("LINEAR_EXACT", (low + high) / 2, max(high - low, 1e-6))


def _preset_as_json(preset: Preset) -> dict[str, Any]:
    window = preset.window
    return {
        "label": preset.label,
        "key": preset.key,
        "function": window.function,
        "centre": window.centre,
        "width": window.width,
        "table": base64.b64encode(window.table).decode(),
    }
