"""Is this input like what the model was trained on?

Each modality has a distance and a limit. Images and notes: Mahalanobis distance of the mean frozen
embedding from the training cases, in a shrunk principal subspace plus what lies outside of it (Lee
et al. 2018, arXiv 1807.03888, one class). Tables: the share of items the model has no token for.
Limits are a quantile of the distances of validation cases, so a known share of ordinary cases lies
outside by construction; the share is kept with the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.assessment import OutOfDistribution

LIMIT_QUANTILE = 0.99
_MARGIN = 1.15
_KEPT = 48
_UNKNOWN_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Envelope:
    """The training cases' cloud of mean embeddings.

    Attributes:
        mean: [size].
        basis: [size, kept] principal directions.
        scale: [kept] standard deviations along them.
        rest: standard deviation per remaining direction.
        limit: distance beyond which an input counts as outside.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    scale: NDArray[np.float32]
    rest: float
    limit: float


def fit_envelope(training: NDArray[np.float32], validation: NDArray[np.float32]) -> Envelope:
    """Fit on training embeddings [n, size]; the limit is from validation embeddings [m, size]."""
    rows = training.astype(np.float64)
    mean = rows.mean(axis=0)
    _, singular, directions = np.linalg.svd(rows - mean, full_matrices=False)
    kept = max(1, min(_KEPT, len(rows) // 10, rows.shape[1] - 1))
    deviations = singular / np.sqrt(max(len(rows) - 1, 1))
    others = deviations[kept:]
    rest = float(np.sqrt((others**2).sum() / max(rows.shape[1] - kept, 1))) or 1e-6
    envelope = Envelope(
        mean.astype(np.float32),
        directions[:kept].T.astype(np.float32),
        np.maximum(deviations[:kept], rest).astype(np.float32),
        max(rest, 1e-6),
        1.0,
    )
    known = [distance(envelope, row) for row in validation]
    # Identical training inputs have no spread at all; the floor keeps the ratio defined.
    limit = max(1.0, float(np.quantile(known, LIMIT_QUANTILE)) * _MARGIN) if known else 1.0
    return Envelope(envelope.mean, envelope.basis, envelope.scale, envelope.rest, limit)


def distance(envelope: Envelope, embedding: NDArray[np.float32]) -> float:
    """Root mean square of the standardised distance inside and outside of the subspace."""
    centred = embedding.astype(np.float64) - envelope.mean
    along = centred @ envelope.basis.astype(np.float64)
    inside = float(((along / envelope.scale) ** 2).mean())
    remainder = max(float(centred @ centred - along @ along), 0.0)
    outside = remainder / max(len(centred) - len(along), 1) / envelope.rest**2
    return float(np.sqrt(inside + outside))


def judge(
    embeddings: Mapping[str, NDArray[np.float32]],
    envelopes: Mapping[str, Envelope],
    unknown: Mapping[str, tuple[int, int]],
) -> OutOfDistribution:
    """Compare what the model reads of one case with the training cases.

    Args:
        embeddings: modality to mean frozen embedding, for modalities that have one.
        envelopes: modality to the training cloud.
        unknown: modality to (items without a token, all items).
    """
    scores: list[float] = []
    reasons: list[str] = []
    for name, embedding in embeddings.items():
        ratio = distance(envelopes[name], embedding) / envelopes[name].limit
        scores.append(ratio)
        if ratio > 1:
            reasons.append(f"{name}: {ratio:.1f} times as far from the training cases as allowed")
    for name, (missed, items) in unknown.items():
        if items:
            scores.append(missed / items / _UNKNOWN_SHARE)
            if missed / items > _UNKNOWN_SHARE:
                reasons.append(f"{name}: {missed} of {items} items are unknown to the model")
    known = bool(embeddings) or any(items > missed for missed, items in unknown.values())
    if not known:
        reasons.append("nothing in this case is known to the model")
    score = max(scores, default=0.0)
    return OutOfDistribution(score, bool(reasons), tuple(reasons))
