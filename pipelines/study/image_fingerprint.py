"""What is kept of an image to recognise it again, even after it was saved differently.

An image is averaged to a small grid whose grey levels are replaced by their ranks, so brightness,
contrast, gamma and window do not matter. Two things are drawn from a window of the grid: a
difference hash (N. Krawetz, "Kind of Like That", Hacker Factor, 2013), which is quick to compare,
and a 32 x 32 picture of detail, which decides: all chest radiographs have the same large shapes, so
that those of two people correlate by up to 0.96, but not the same ribs and vessels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Array
from clinical.modalities.kit import arrays

GRID = 96
DETAIL = 32
COARSE, FINE = 2.0, 1.0
"""Standard deviation, in pixels of 32, of the blur that is taken away to leave the detail.

Coarse detail forgives a crop that does not quite fit, fine detail tells two patients apart.
"""
# Of 255: more than what the order of a sum leaves between two equal cells.
_BRIGHTER = 1e-3
_CHUNK = 512

Grids = NDArray[np.uint8]
Windows = NDArray[np.float64]
"""Top, bottom, left and right in grid cells, for all images [4] or for each [images, 4]."""
WHOLE: Windows = np.array([0.0, GRID, 0.0, GRID])


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """One image of one case.

    Attributes:
        case_id, modality: whose it is.
        digest: of all its pixels; equal for identical images only.
        grid: ranks of its grey levels, 0 to 255 [GRID, GRID].
    """

    case_id: str
    modality: str
    digest: str
    grid: Grids


def fingerprint(case_id: str, modality: str, image: Array) -> Fingerprint:
    """The fingerprint of an image; of a volume or a film loop, of its mean over leading axes."""
    return Fingerprint(case_id, modality, image.digest, ranks(image.values))


def fingerprints(readings: Iterable[Case | SkippedCase | Problem]) -> Iterator[Fingerprint]:
    """Fingerprints of all arrays of a cohort, as its reader yields the cases; holds no pixels."""
    for reading in readings:
        if isinstance(reading, Case):
            for modality, array in sorted(arrays(reading), key=lambda named: named[0]):
                if array.axes[-2:] == ("row", "column"):
                    yield fingerprint(reading.case_id, modality, array)


def ranks(values: NDArray[np.float32]) -> Grids:
    """Ranks of grey levels, averaged over equal ones, on a grid [GRID, GRID]; zeros if flat."""
    plane = values.reshape(-1, *values.shape[-2:]).mean(axis=0, dtype=np.float32)
    picture = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    small = np.asarray(picture.resize((GRID, GRID), Image.Resampling.BOX))
    place = rankdata(small, method="average").reshape(small.shape) - 1
    place -= place.min()
    return np.asarray(np.round(place / max(place.max(), 1) * 255), dtype=np.uint8)


def hashes(grids: Grids, windows: Windows = WHOLE) -> NDArray[np.uint64]:
    """Is each of 8 x 8 cells darker than its neighbour to the right, and than that below?

    64 bits for either direction [images, 2].
    """
    right = np.diff(_resampled(grids, windows, 8, 9), axis=2) > _BRIGHTER
    below = np.diff(_resampled(grids, windows, 9, 8), axis=1) > _BRIGHTER
    bits = np.stack([right, below], axis=1).reshape(len(grids), 2, 64)
    return np.packbits(bits, axis=2).view(np.uint64)[:, :, 0]


def details(grids: Grids, windows: Windows = WHOLE, blur: float = COARSE) -> NDArray[np.float32]:
    """Detail of each grid as a vector of length 1 [images, DETAIL * DETAIL]; zeros if flat.

    The product of two is their correlation.
    """
    cells = _resampled(grids, windows, DETAIL, DETAIL)
    blurring = _blurring(blur)
    cells -= blurring @ cells @ blurring.T
    rows = cells.reshape(len(grids), -1)
    flat = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.asarray(np.where(length > 1e-2, flat / np.maximum(length, 1e-2), 0), np.float32)


def _resampled(grids: Grids, windows: Windows, rows: int, columns: int) -> NDArray[np.float32]:
    """Means over the cells of a coarser grid that lies in a window [images, rows, columns]."""
    found = np.empty((len(grids), rows, columns), np.float32)
    # In chunks, because the grids are bytes and their products are not.
    for start in range(0, len(grids), _CHUNK):
        part = slice(start, start + _CHUNK)
        places = windows[None] if windows.ndim == 1 else windows[part]
        down = _weights(rows, places[:, 0], places[:, 1])
        across = _weights(columns, places[:, 2], places[:, 3]).transpose(0, 2, 1)
        found[part] = down @ grids[part].astype(np.float32) @ across
    return found


def _weights(
    cells: int, low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Share of each grid line in each of `cells` equal parts of [low, high) [n, cells, GRID]."""
    edges = np.linspace(low, high, cells + 1, axis=1)[:, :, None]
    lines = np.arange(GRID)
    overlap = np.minimum(edges[:, 1:], lines + 1) - np.maximum(edges[:, :-1], lines)
    scale = cells / (high - low)[:, None, None]
    return np.asarray(np.clip(overlap, 0, None) * scale, dtype=np.float32)


@cache
def _blurring(deviation: float) -> NDArray[np.float32]:
    """What blurs a column of DETAIL pixels when multiplied from the left."""
    one = np.eye(DETAIL, dtype=np.float32)
    return np.asarray(gaussian_filter(one, (deviation, 0), mode="nearest"), dtype=np.float32)
