"""Pixels as ranks of brightness: what small networks see instead of grey levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEVELS = 1024


def equalised(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every pixel's rank among all, 0 to 1: the same whatever the exposure, window or gamma."""
    low, spread = float(values.min()), float(np.ptp(values))
    levels = ((values - low) / max(spread, 1e-6) * (_LEVELS - 1)).astype(np.int64)
    counts = np.bincount(levels.ravel(), minlength=_LEVELS)
    ranks = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.asarray(ranks[levels], np.float32)
