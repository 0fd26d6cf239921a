"""Splits by patient: no patient is ever on both sides."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from clinical.errors import CohortError

Indices = NDArray[np.intp]


def grouped_folds(
    patients: Sequence[str], labels: NDArray[np.float64], folds: int, seed: int
) -> Iterator[tuple[Indices, Indices]]:
    """Training and test indices of patient-grouped folds, stratified by the label pattern.

    Args:
        patients: patient of every case.
        labels: [cases, diagnoses]; NaN counts as 0 for the stratification only.
        folds: how many.
        seed: of the shuffle.

    Raises:
        CohortError: if there are fewer patients than folds.
    """
    if len(set(patients)) < folds:
        raise CohortError(
            f"{len(set(patients))} patients cannot make {folds} folds.",
            remedy="choose fewer folds or a larger cohort",
        )
    strata = _strata(np.nan_to_num(labels), folds)
    splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare label patterns are merged below; scikit-learn still warns about small groups.
        warnings.simplefilter("ignore", UserWarning)
        pairs = list(splitter.split(np.zeros(len(strata)), strata, groups=list(patients)))
    for train, test in pairs:
        shared = {patients[i] for i in train} & {patients[i] for i in test}
        if shared:
            raise AssertionError(f"{len(shared)} patients are on both sides of a split")
        yield train, test


def _strata(labels: NDArray[np.float64], folds: int) -> NDArray[np.intp]:
    patterns = [tuple(row) for row in labels.astype(int)]
    counts = {pattern: patterns.count(pattern) for pattern in set(patterns)}
    frequent = sorted(pattern for pattern, count in counts.items() if count >= folds)
    number = {pattern: i + 1 for i, pattern in enumerate(frequent)}
    return np.array([number.get(pattern, 0) for pattern in patterns])


def hold_out(
    patients: Sequence[str], labels: NDArray[np.float64], share: float, seed: int
) -> tuple[Indices, Indices]:
    """Training and held-out indices; about `share` of the patients are held out."""
    folds = max(2, round(1 / share))
    return next(grouped_folds(patients, labels, folds, seed))
