"""What a comparator is given, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from pipelines.folds.comparators.fitting import INNER_FOLDS, Chosen, inner_folds
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
        folds: that every choice inside the training cases is made on.
    """

    vectors: Vectors
    reduced: Mapping[str, Rows]
    labels: Rows
    patients: tuple[str, ...]
    train: Indices
    test: Indices
    seed: int
    folds: int = INNER_FOLDS

    def inner(self, cases: Indices) -> tuple[tuple[Indices, Indices], ...]:
        """Folds inside some of the training cases, as places among them."""
        patients = [self.patients[i] for i in cases]
        return inner_folds(patients, self.labels[cases], self.seed, self.folds)


@dataclass(frozen=True, eq=False)
class Scores:
    """Probabilities of one baseline; NaN where it cannot say.

    Attributes:
        inside: [training cases, labels], out of fold.
        test: [test cases, labels].
        chosen: of each label, what is fitted to all training cases; empty where several are.
    """

    inside: Rows
    test: Rows
    chosen: tuple[Chosen, ...] = ()


def components(vectors: Vectors, train: Indices, seed: int) -> dict[str, Rows]:
    """Principal components of every embedding [cases, kept], fitted on the training cases."""
    reduced = {}
    for name, rows in vectors.embeddings.items():
        present = vectors.present(name)
        found = projection(vectors, name, train, seed)
        values = np.full((len(rows), 1 if found is None else found[-1].n_components_), np.nan)
        values[present] = 0.0 if found is None else found.transform(rows[present])
        reduced[name] = values
    return reduced


def projection(vectors: Vectors, name: str, train: Indices, seed: int) -> Pipeline | None:
    """Scaling and principal components of one embedding; None where there is nothing to learn."""
    rows = vectors.embeddings[name]
    learnt = train[vectors.present(name)[train]]
    kept = min(COMPONENTS, len(learnt) - 1, rows.shape[1])
    if kept <= 0 or not np.ptp(rows[learnt], axis=0).any():
        return None
    # The first components of a few thousand columns need no full decomposition.
    pca = PCA(kept, svd_solver="randomized", random_state=seed)
    return make_pipeline(StandardScaler(), pca).fit(rows[learnt])


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
