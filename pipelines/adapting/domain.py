"""What counts as unlike the training cases, fitted again on the inputs of a site; needs no labels.

The cloud of the training cases is taken as what was believed before, and the site's inputs are
added to it: mean and covariance move from the one to the other as the site's cases become more.
The limit is that of site inputs that the cloud was not fitted on.

A cloud is fitted again only where more inputs are outside than would be by construction. Where most
of them are outside, the model has not learnt such inputs, and that it may speak of them is not for
the inputs to say: then local outcomes have to show that it can tell a diagnosis from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.model import domain
from clinical.model.domain import Envelope
from pipelines.folds.splits import grouped_folds
from pipelines.statistics.proportions import wilson

Embeddings = NDArray[np.float32]

LEAST_PATIENTS = 20
"""With fewer than these a limit would be that of one or two inputs."""

MOST_OUTSIDE = 0.5
"""Share of inputs outside above which local outcomes have to speak for the model."""

_FOLDS = 5
_CASES_OF_MEAN = 10
"""What the training cases' mean counts for; their covariance counts as its size."""

_MARGIN = 1.05
_AS_BUILT = 1 - domain.LIMIT_QUANTILE


@dataclass(frozen=True, eq=False)
class Refit:
    """What became of the domain of one modality.

    Attributes:
        envelope: of the adapted model.
        fitted: whether it is another one.
        cases: inputs of the site that it was judged on.
        outside: how many of them were outside before.
        because: why it was, or was not, fitted again.
    """

    envelope: Envelope
    fitted: bool
    cases: int
    outside: int
    because: str


def refit(
    envelope: Envelope,
    embeddings: Embeddings,
    people: Sequence[str],
    *,
    tells: bool,
    seed: int,
) -> Refit:
    """The domain of one modality, as the inputs of a site have it.

    Args:
        envelope: of the training cases.
        embeddings: mean frozen embedding of every input [cases, size].
        people: who each is of.
        tells: whether local outcomes show that the model tells a diagnosis from inputs outside.
        seed: of the folds.
    """
    cases = len(embeddings)
    beyond = [domain.distance(envelope, row) > envelope.limit for row in embeddings]
    outside = sum(beyond)

    def left(because: str) -> Refit:
        return Refit(envelope, False, cases, outside, because)

    if len(set(people)) < LEAST_PATIENTS:
        return left(f"fewer than {LEAST_PATIENTS} patients have it")
    if wilson(outside, cases)[0] <= _AS_BUILT:
        return left("no more inputs are outside than by construction")
    if outside > MOST_OUTSIDE * cases and not tells:
        return left(
            "most inputs are outside, and no local outcomes show that the model can read them"
        )
    new = _cloud(envelope, embeddings)
    unseen = _unseen(envelope, embeddings, people, seed)
    limit = max(1.0, float(np.quantile(unseen, domain.LIMIT_QUANTILE)) * _MARGIN)
    because = "more inputs are outside than by construction"
    if outside > MOST_OUTSIDE * cases:
        because = "most inputs are outside, and local outcomes show that the model can read them"
    return Refit(Envelope(new.mean, new.whitening, limit), True, cases, outside, because)


def _cloud(envelope: Envelope, rows: Embeddings) -> Envelope:
    """Mean and covariance of the training cases and of these together; the limit is not set."""
    whitening = envelope.whitening.astype(np.float64)
    # Its columns are directions over the root of their variance, so their squares tell it.
    variances = 1 / (whitening**2).sum(axis=0)
    believed = (whitening * variances**2) @ whitening.T
    count, size = len(rows), len(envelope.mean)
    local = rows.astype(np.float64)
    mean = (_CASES_OF_MEAN * envelope.mean + local.sum(axis=0)) / (_CASES_OF_MEAN + count)
    spread = (local - mean).T @ (local - mean)
    values, directions = np.linalg.eigh((size * believed + spread) / (size + count))
    floor = variances.min()
    fitted = directions / np.sqrt(np.maximum(values, floor))
    return Envelope(mean.astype(np.float32), fitted.astype(np.float32), 1.0)


def _unseen(
    envelope: Envelope, rows: Embeddings, people: Sequence[str], seed: int
) -> NDArray[np.float64]:
    """Distance of every input from a cloud that its patient is not part of [cases]."""
    found = np.zeros(len(rows))
    for train, test in grouped_folds(people, np.zeros((len(rows), 1)), _FOLDS, seed):
        cloud = _cloud(envelope, rows[train])
        found[test] = [domain.distance(cloud, row) for row in rows[test]]
    return found
