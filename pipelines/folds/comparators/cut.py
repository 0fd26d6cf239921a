"""What a comparator is given, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipelines.folds.splits import Indices
from pipelines.folds.tabular import Rows, Vectors

COMPONENTS = 128


@dataclass(frozen=True, eq=False)
class Cut:
    """Vectors and labels of all cases, and which of them are for training and which are tested.

    Attributes:
        vectors: of all cases.
        reduced: `components` of their embeddings.
        labels: [cases, labels]; 1, 0 or NaN for unknown.
        patients: of all cases.
        train, test: indices.
        seed: of folds and fits.
    """

    vectors: Vectors
    reduced: Mapping[str, Rows]
    labels: Rows
    patients: tuple[str, ...]
    train: Indices
    test: Indices
    seed: int


@dataclass(frozen=True, eq=False)
class Scores:
    """Probabilities of one baseline; NaN where it cannot say.

    Attributes:
        inside: [training cases, labels], out of fold.
        test: [test cases, labels].
    """

    inside: Rows
    test: Rows


def components(vectors: Vectors, train: Indices, seed: int) -> dict[str, Rows]:
    """Principal components of every embedding [cases, kept], fitted on the training cases."""
    reduced = {}
    for name, rows in vectors.embeddings.items():
        present = vectors.present(name)
        learnt = train[present[train]]
        kept = min(COMPONENTS, len(learnt) - 1, rows.shape[1])
        values = np.full((len(rows), max(kept, 1)), np.nan)
        values[present] = 0.0
        if kept > 0 and np.ptp(rows[learnt], axis=0).any():
            # The first components of a few thousand columns need no full decomposition.
            pca = make_pipeline(
                StandardScaler(), PCA(kept, svd_solver="randomized", random_state=seed)
            ).fit(rows[learnt])
            values[present] = pca.transform(rows[present])
        reduced[name] = values
    return reduced


def everything(cut: Cut) -> Rows:
    """All tables and components side by side [cases, columns]; NaN where missing."""
    return np.concatenate([*cut.vectors.tables.values(), *cut.reduced.values()], axis=1)


def component_blocks(cut: Cut) -> list[slice]:
    """Where the components of each embedding stand in `everything`."""
    start = sum(rows.shape[1] for rows in cut.vectors.tables.values())
    blocks = []
    for rows in cut.reduced.values():
        blocks.append(slice(start, start + rows.shape[1]))
        start += rows.shape[1]
    return blocks
