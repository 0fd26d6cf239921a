"""Piecewise linear encoding of a number (Gorishniy et al. 2022, arXiv 2203.05556, section 3.2).

A value becomes one number per bin between training quantiles: 1 in the bins it has passed, the
fraction in its own bin, 0 beyond. A linear layer on top can then bend at every quantile, which a
single scaled number does not allow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def quantile_edges(values: Sequence[float], bins: int) -> tuple[float, ...]:
    """`bins` + 1 increasing edges at the quantiles of `values`.

    Repeated quantiles are nudged apart so that every bin has a width above 0.
    """
    edges = np.quantile(np.asarray(values, dtype=np.float64), np.linspace(0, 1, bins + 1))
    spread = max(float(edges[-1] - edges[0]), abs(float(edges[0])) * 1e-3, 1e-6)
    least = spread * 1e-3
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + least)
    return tuple(float(edge) for edge in edges)


def encode(value: float, edges: Sequence[float]) -> NDArray[np.float32]:
    """Piecewise linear code of `value`, one number per bin.

    The first and last bin are open: a value beyond the training range gives numbers below 0 or
    above 1 there, limited to [-1, 2].
    """
    bounds = np.asarray(edges, dtype=np.float64)
    code = (value - bounds[:-1]) / (bounds[1:] - bounds[:-1])
    low, high = np.zeros_like(code), np.ones_like(code)
    low[0], high[-1] = -1.0, 2.0
    return np.clip(code, low, high).astype(np.float32)
