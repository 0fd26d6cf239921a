"""How to display the pixels: windows and tables, in canonical units (PS3.3 C.11.2)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clinical.case.window import FULL, Function, Window
from clinical.dicom import dataset
from clinical.dicom.modality import luts_of

FUNCTIONS: dict[str, Function] = {
    "LINEAR": "LINEAR",
    "LINEAR_EXACT": "LINEAR_EXACT",
    "SIGMOID": "SIGMOID",
}

_SAMPLE = 250_000
_PLAIN = 256.0  # from this width on LINEAR and LINEAR_EXACT differ by half a grey level at most
_MOST = 16
_MOST_TABLES = 3  # a table has up to 65,536 entries, and all travel in one header


def of(
    found: Dataset, values: NDArray[np.float32], *, mirror: float | None, big: bool = False
) -> tuple[tuple[float, float], tuple[Window, ...]]:
    """Centre and width to display `values` with, and every window and table of the file.

    The first Window Center and Width of the file; else the span over which its first VOI LUT
    rises; else the 0.5th to 99.5th percentile of the pixels. Those that no pixel falls into are
    passed over. The windows are left out where they are one linear window without a name, which
    the centre and width give to half a grey level (of 256).

    Args:
        found: the data set.
        values: canonical pixels that are not padding.
        mirror: sum of the smallest and largest modality value where the pixels were inverted
            (MONOCHROME1); the file's windows are then mirrored too.
        big: is the data set big-endian?
    """
    low, high = float(values.min()), float(values.max())
    spans, windows = [], []
    for (centre, width), window in [*_windows(found), *_tables(found, signed=low < 0, big=big)]:
        middle = centre if mirror is None else mirror - centre
        if middle - width / 2 < high and middle + width / 2 > low:
            spans.append((middle, width))
            windows.append(window if mirror is None else window.mirrored(mirror))
    if not spans:
        return by_percentile(values), ()
    plain = windows[0].function == "LINEAR" and windows[0].width >= _PLAIN
    if len(windows) == 1 and plain and not windows[0].explanation:
        return spans[0], ()
    return spans[0], tuple(windows)


def by_percentile(values: NDArray[Any]) -> tuple[float, float]:
    """Centre and width of the 0.5th to 99.5th percentile of at most 250,000 of `values`."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)]
    low, high = (float(v) for v in np.percentile(sample, (0.5, 99.5)))
    if high <= low:
        low, high = float(flat.min()), float(flat.max())
    return (low + high) / 2, max(high - low, 1.0)


def _windows(found: Dataset) -> Iterator[tuple[tuple[float, float], Window]]:
    place = dataset.macro(found, "FrameVOILUTSequence")
    stated = dataset.code(place, "VOILUTFunction")
    function: Function = FUNCTIONS.get(stated, "LINEAR")
    names = dataset.codes(place, "WindowCenterWidthExplanation")
    centres, widths = dataset.numbers(place, "WindowCenter"), dataset.numbers(place, "WindowWidth")
    pairs = zip(centres[:_MOST], widths, strict=False)
    for (centre, width), name in zip_longest(pairs, names[: min(len(centres), len(widths), _MOST)]):
        if np.isfinite([centre, width]).all() and width > 0:
            yield (centre, width), Window(function, centre, width, name or "")


def _tables(
    found: Dataset, *, signed: bool, big: bool
) -> Iterator[tuple[tuple[float, float], Window]]:
    for lut in islice(luts_of(found, "VOILUTSequence", signed=signed, big=big), _MOST_TABLES):
        low, high = float(lut.entries.min()), float(lut.entries.max())
        inside = np.flatnonzero((lut.entries > low) & (lut.entries < high))
        if not inside.size:
            continue
        rise, top = int(inside[0]) - 1, int(inside[-1]) + 1
        last = len(lut.entries) - 1
        white = (1 << lut.bits) - 1 if 8 <= lut.bits <= 16 else max(high, 1.0)
        greys = np.clip(lut.entries / white, 0, 1) * FULL
        table = np.rint(greys).astype("<u2").tobytes()
        centre, width = lut.first + last / 2, float(last)
        span = lut.first + (rise + top) / 2, float(top - rise)
        yield span, Window("LUT", centre, width, lut.explanation, table)
