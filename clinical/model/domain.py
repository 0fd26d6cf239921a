"""Is this input like what the model was trained on?

Each modality has a distance and a limit. Images and notes: Mahalanobis distance of the mean frozen
embedding from the training cases (Lee et al. 2018, arXiv 1807.03888, one class), over all
directions, with a covariance shrunk as Ledoit and Wolf (2004) do. Tables: the share of items the
model has no token for. Limits are a quantile of the distances of validation cases, so a known share
of ordinary cases lies outside by construction. `triptych check-domain` measures what is marked;
docs/decisions lists what else was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.case.assessment import OutOfDistribution

LIMIT_QUANTILE = 0.99
_MARGIN = 1.05
_UNKNOWN_SHARE = 0.5
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True, eq=False)
class Envelope:
    """The training cases' cloud of mean embeddings.

    Attributes:
        mean: [size].
        whitening: [size, size]; a centred row times this has unit variance in training.
        limit: distance beyond which an input counts as outside.
    """

    mean: NDArray[np.float32]
    whitening: NDArray[np.float32]
    limit: float


def fit_envelope(training: NDArray[np.float32], validation: NDArray[np.float32]) -> Envelope:
    """Fit on training embeddings [n, size]; the limit is from validation embeddings [m, size].

    Ledoit and Wolf's estimate (2004, J Multivar Anal 88:365) is well conditioned also where there
    are fewer cases than dimensions.
    """
    from sklearn.covariance import ledoit_wolf

    rows = training.astype(np.float64)
    mean = rows.mean(axis=0)
    covariance, _ = ledoit_wolf(rows - mean, assume_centered=True)
    variances, directions = np.linalg.eigh(covariance)
    # Identical training inputs have no spread at all; the floor keeps the distance defined.
    whitening = directions / np.sqrt(np.maximum(variances, _LEAST_VARIANCE))
    envelope = Envelope(mean.astype(np.float32), whitening.astype(np.float32), 1.0)
    known = [distance(envelope, row) for row in validation]
    limit = float(np.quantile(known, LIMIT_QUANTILE)) * _MARGIN if known else 1.0
    return Envelope(envelope.mean, envelope.whitening, max(1.0, limit))


def distance(envelope: Envelope, embedding: NDArray[np.float32]) -> float:
    """Root mean square, over all directions, of the standardised distance of one [size]."""
    centred = embedding.astype(np.float64) - envelope.mean
    return float(np.sqrt(((centred @ envelope.whitening.astype(np.float64)) ** 2).mean()))


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
