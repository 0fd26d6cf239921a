"""How to look at the pixels: centre and width, in canonical units (PS3.3 C.11.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clinical.dicom import dataset
from clinical.dicom.modality import lut_of

_SAMPLE = 250_000


def of(found: Dataset, values: NDArray[np.float32], *, mirror: float | None) -> tuple[float, float]:
    """Centre and width to display `values` with.

    The first Window Center and Width of the file; else the span over which its first VOI LUT
    rises; else the 0.5th to 99.5th percentile of the pixels. A window that no pixel falls into is
    passed over.

    Args:
        found: the data set.
        values: canonical pixels that are not padding.
        mirror: sum of the smallest and largest modality value where the pixels were inverted
            (MONOCHROME1); the file's window is then mirrored too.
    """
    low, high = float(values.min()), float(values.max())
    for stated in (_window(found), _voi_lut(found, signed=low < 0)):
        if stated is not None:
            centre, width = stated
            centre = centre if mirror is None else mirror - centre
            if centre - width / 2 < high and centre + width / 2 > low:
                return centre, width
    return by_percentile(values)


def by_percentile(values: NDArray[Any]) -> tuple[float, float]:
    """Centre and width of the 0.5th to 99.5th percentile of at most 250,000 of `values`."""
    flat = values.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)]
    low, high = (float(v) for v in np.percentile(sample, (0.5, 99.5)))
    if high <= low:
        low, high = float(flat.min()), float(flat.max())
    return (low + high) / 2, max(high - low, 1.0)


def _window(found: Dataset) -> tuple[float, float] | None:
    place = dataset.macro(found, "FrameVOILUTSequence")
    centre, width = dataset.number(place, "WindowCenter"), dataset.number(place, "WindowWidth")
    if centre is None or width is None or not np.isfinite([centre, width]).all() or width <= 0:
        return None
    return centre, width


def _voi_lut(found: Dataset, *, signed: bool) -> tuple[float, float] | None:
    lut = lut_of(found, "VOILUTSequence", signed=signed)
    if lut is None:
        return None
    entries = lut.entries
    low, high = float(entries.min()), float(entries.max())
    inside = np.flatnonzero((entries > low) & (entries < high))
    if not inside.size:
        return None
    first, last = int(inside[0]) - 1, int(inside[-1]) + 1
    return lut.first + (first + last) / 2, float(last - first)
