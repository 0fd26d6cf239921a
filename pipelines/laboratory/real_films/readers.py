"""What is judged: ways to read a film, each from frozen features and a small head that is fitted.

Every head is a logistic regression on 64 principal components, with one fixed penalty: with two or
three sources there is nothing to choose a penalty by that is not the source left out. Films weigh
so that every source, within it every view, and within that both labels count alike; a view of a
source that has one label only teaches nothing but the source, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical.modalities.radiograph.encoder import PARTS

COMPONENTS = 64
PENALTY = 0.01
"""Inverse strength of the penalty on standardised components."""

FEW_PENALTY = 0.05
"""The same where a head has a few numbers only."""

Rows = NDArray[np.float64]

Head = Callable[[Rows], NDArray[np.float64]]
"""Log odds [n] of rows [n, size]."""


@dataclass(frozen=True)
class Look:
    """What a head sees of a film.

    Attributes:
        name: in the table.
        crop: setting of the radiograph's encoder.
        channels: first and last + 1 of the frozen channels.
    """

    name: str
    crop: str
    channels: tuple[int, int]


_IMAGENET, _ALL = (0, PARTS[0]), (0, sum(PARTS))
LOOKS = (
    Look("ImageNet features, whole film", "", _IMAGENET),
    Look("film tail, whole film", "", (PARTS[0], sum(PARTS))),
    Look("both, whole film", "", _ALL),
    Look("ImageNet features, lung crop", "lungs", _IMAGENET),
    Look("film tail, lung crop", "lungs", (PARTS[0], sum(PARTS))),
    Look("both, lung crop", "lungs", _ALL),
    Look("both, coarse lung crop", "coarse lungs", _ALL),
)


def row(patches: NDArray[np.generic], look: Look) -> Rows:
    """Mean and maximum over the patches [n, 560] of the channels that a look has."""
    first, last = look.channels
    seen = patches[:, first:last].astype(np.float64)
    return np.concatenate([seen.mean(axis=0), seen.max(axis=0)])


def balance(
    sources: Sequence[str], views: Sequence[str], labels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weight of every film [n], mean 1 over those that count; 0 where it teaches nothing.

    Args:
        sources, views: of every film.
        labels: [n]; 1, 0 or NaN for unknown.
    """
    weights = np.zeros(len(labels))
    cells: dict[str, dict[str, list[NDArray[np.intp]]]] = {}
    for source, view in sorted(set(zip(sources, views, strict=True))):
        here = np.array([pair == (source, view) for pair in zip(sources, views, strict=True)])
        both = [np.flatnonzero(here & (labels == value)) for value in (0, 1)]
        if all(len(films) for films in both):
            cells.setdefault(source, {})[view] = both
    for own in cells.values():
        for both in own.values():
            for films in both:
                weights[films] = 1 / (len(cells) * len(own) * 2 * len(films))
    counted = weights > 0
    return weights * counted.sum() if counted.any() else weights


def fitted(rows: Rows, labels: NDArray[np.float64], weights: NDArray[np.float64]) -> Head:
    """A head fitted to the films that have a weight."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    used = weights > 0
    components = min(COMPONENTS, int(used.sum()) - 1, rows.shape[1])
    road = make_pipeline(
        StandardScaler(),
        PCA(components, whiten=True, random_state=0),
        LogisticRegression(C=PENALTY),
    )
    road.fit(rows[used], labels[used], logisticregression__sample_weight=weights[used])
    return lambda seen: np.asarray(road.decision_function(seen), np.float64)


def weighed(rows: Rows, labels: NDArray[np.float64], weights: NDArray[np.float64]) -> Head:
    """A head on a few numbers of each film, without components."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    used = weights > 0
    road = make_pipeline(StandardScaler(), LogisticRegression(C=FEW_PENALTY))
    road.fit(rows[used], labels[used], logisticregression__sample_weight=weights[used])
    return lambda seen: np.asarray(road.decision_function(seen), np.float64)
