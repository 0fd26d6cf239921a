"""Principal components of a frozen embedding, whitened, as buffers inside the model.

Small cohorts cannot afford a thousand free directions, so each frozen embedding is reduced before
anything is learned on it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clinical.encoders.encoding import Batch, Prepared

REDUCED = "components"
"""Name of the feature that `PrincipalComponents.reduced` adds."""

_MOST_ROWS = 60_000


class PrincipalComponents(nn.Module):
    """Map [..., size] to [..., kept] whitened components; zeros until `fit` has run."""

    mean: Tensor
    basis: Tensor

    def __init__(self, size: int, components: int) -> None:
        super().__init__()
        self.kept = min(size, components)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("basis", torch.zeros(size, self.kept))

    def fit(self, rows: NDArray[np.generic]) -> None:
        """Fit on rows [n, size]; beyond 60,000 rows every k-th is used."""
        data = rows[:: max(1, len(rows) // _MOST_ROWS)].astype(np.float64)
        mean = data.mean(axis=0)
        covariance = np.cov(data - mean, rowvar=False) if len(data) > 1 else np.eye(len(mean))
        variances, directions = np.linalg.eigh(np.atleast_2d(covariance))
        order = np.argsort(variances)[::-1][: self.kept]
        # Directions with next to no variance are noise that whitening would blow up.
        floor = max(float(variances.max()) * 1e-4, 1e-12)
        scale = np.where(
            variances[order] > floor, 1 / np.sqrt(np.maximum(variances[order], floor)), 0
        )
        self.mean.copy_(torch.from_numpy(mean.astype(np.float32)))
        self.basis.copy_(torch.from_numpy((directions[:, order] * scale).astype(np.float32)))

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
