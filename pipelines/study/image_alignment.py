"""Move a crop to where it fits another image best, for many pairs at once.

Gauss-Newton on the four edges of the window (B. Lucas and T. Kanade, IJCAI, 1981): how the picture
changes with each edge follows from its gradient, so three steps are enough where the crop was off
by less than the size of the detail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.study.image_fingerprint import DETAIL, FINE, GRID, WHOLE, Grids, Windows, details

STEPS = 3
FARTHEST = 3.0
"""Grid cells that an edge may move in one step."""
HOPELESS = 0.88
"""Correlation of coarse detail below which a pair is not followed beyond a step."""
_PAIRS = 2048
_PLACE = ((np.arange(DETAIL) + 0.5) / DETAIL).astype(np.float32)


def aligned(cut: Grids, whole: Grids, windows: Windows) -> NDArray[np.float32]:
    """Correlation of fine detail of pairs, once each window of the first has been moved [pairs].

    Args:
        cut, whole: grids of the pairs [pairs, GRID, GRID].
        windows: where in `cut` to begin [pairs, 4].
    """
    found = np.empty(len(cut), np.float32)
    for start in range(0, len(cut), _PAIRS):
        part = slice(start, start + _PAIRS)
        best = _moved(cut[part], whole[part], windows[part])
        fine = details(cut[part], best, FINE), details(whole[part], WHOLE, FINE)
        found[part] = np.einsum("pd,pd->p", *fine)
    return found


def _moved(cut: Grids, whole: Grids, windows: Windows) -> Windows:
    """The windows that fit best in coarse detail."""
    target = details(whole)
    picture = details(cut, windows)
    best, most = windows.copy(), np.einsum("pd,pd->p", picture, target)
    left = np.arange(len(cut))
    for _ in range(STEPS):
        if not len(left):
            break
        here = np.clip(best[left] + _step(picture, target[left], best[left]), 0, GRID)
        picture = details(cut[left], here)
        correlation = np.einsum("pd,pd->p", picture, target[left])
        better = correlation > most[left]
        best[left[better]], most[left[better]] = here[better], correlation[better]
        # Where a step does not help there is nothing more to gain; a poor fit stays poor.
        going = better & (correlation > HOPELESS)
        left, picture = left[going], picture[going]
    return best


def _step(
    picture: NDArray[np.float32], target: NDArray[np.float32], windows: Windows
) -> NDArray[np.float64]:
    """How far each edge should move for `picture` to become `target` [pairs, 4]."""
    plane = picture.reshape(-1, DETAIL, DETAIL)
    down, across = _slope(plane, 1), _slope(plane, 2)
    extent = (windows[:, [1, 3]] - windows[:, [0, 2]]).astype(np.float32)[:, :, None, None]
    tall, wide = DETAIL / extent[:, 0], DETAIL / extent[:, 1]
    # An edge moves what lies at it wholly, and the far side not at all.
    changes: list[NDArray[Any]] = [
        tall * down * (1 - _PLACE)[:, None],
        tall * down * _PLACE[:, None],
        wide * across * (1 - _PLACE),
        wide * across * _PLACE,
        plane,
    ]
    slopes = np.stack(changes, axis=1).reshape(len(plane), len(changes), DETAIL * DETAIL)
    square = slopes @ slopes.transpose(0, 2, 1) + 1e-6 * np.eye(len(changes))
    moves = np.linalg.solve(square, slopes @ (target - picture)[:, :, None])[:, :4, 0]
    return np.clip(moves, -FARTHEST, FARTHEST)


def _slope(plane: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    return np.asarray(np.gradient(plane, axis=axis), dtype=np.float32)
