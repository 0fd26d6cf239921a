"""Principal components of frozen embeddings, whitened, as buffers inside the model.

Small cohorts cannot afford a thousand free directions, so each frozen embedding is reduced before
anything is learned on it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.modalities.encoding import Batch, Prepared

REDUCED = "components"
"""Name of the feature that `PrincipalComponents.reduced` adds."""

_MOST_ROWS = 60_000


class PrincipalComponents(nn.Module):
    """Map [..., size] to [..., kept] whitened components; zeros until `fit` has run.

    Several embeddings that lie side by side in a row (`sizes`) are reduced each by itself, so that
    the one with the larger numbers does not push out the other.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, *sizes: int, components: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.parts = tuple(min(size, components) for size in sizes)
        self.kept = sum(self.parts)
        self.register_buffer("mean", torch.zeros(sum(sizes)))
        self.register_buffer("basis", torch.zeros(sum(sizes), self.kept))

    def fit(self, rows: NDArray[np.generic]) -> None:
        """Fit on rows [n, size]; beyond 60,000 rows every k-th is used."""
        data = rows[:: max(1, len(rows) // _MOST_ROWS)].astype(np.float64)
        mean = data.mean(axis=0)
        self.mean.copy_(torch.from_numpy(mean.astype(np.float32)))
        row = column = 0
        for size, kept in zip(self.sizes, self.parts, strict=True):
            basis = _whitening(data[:, row : row + size] - mean[row : row + size], kept)
            self.basis[row : row + size, column : column + kept] = torch.from_numpy(basis)
            row, column = row + size, column + kept

    def reduced(self, prepared: Prepared, feature: str) -> Prepared:
        """The same input with its components in place of `feature`: done once, not every epoch."""
        rows = torch.from_numpy(prepared.features[feature])
        others = {name: rows for name, rows in prepared.features.items() if name != feature}
        return replace(prepared, features={**others, REDUCED: self(rows).numpy()})

    def of(self, batch: Batch, feature: str) -> Tensor:
        """Components [cases, tokens, kept] of a batch, whether or not they were taken before."""
        if REDUCED in batch.features:
            taken: Tensor = batch.features[REDUCED]
            return taken
        found: Tensor = self(batch.features[feature])
        return found

    def forward(self, values: Tensor) -> Tensor:
        """Whitened components [..., kept], limited to 10 standard deviations."""
        reduced: Tensor = (values.float() - self.mean) @ self.basis
        return reduced.clamp(-10, 10)


def _whitening(centred: NDArray[np.float64], kept: int) -> NDArray[np.float32]:
    """Directions of most variance [size, kept], scaled so that what they give has variance 1."""
    enough = len(centred) > 1
    covariance = np.cov(centred, rowvar=False) if enough else np.eye(centred.shape[1])
    variances, directions = np.linalg.eigh(np.atleast_2d(covariance))
    order = np.argsort(variances)[::-1][:kept]
    # Directions with next to no variance are noise that whitening would blow up.
    floor = max(float(variances.max()) * 1e-4, 1e-12)
    scale = np.where(variances[order] > floor, 1 / np.sqrt(np.maximum(variances[order], floor)), 0)
    return np.asarray(directions[:, order] * scale, dtype=np.float32)
