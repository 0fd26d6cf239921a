"""Splits by patient: no patient is ever on both sides."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from clinical.errors import CohortError

Indices = NDArray[np.intp]
NO_SITE = "(no site)"
"""Cases whose site is not stated; left out together, since they may be of one place."""


@dataclass(frozen=True, eq=False)
class Fold:
    """What is trained on and what is tested.

    Attributes:
        name: "fold 3", or the sites that are left out.
        train, test: indices of cases, patient-disjoint.
        removed: cases at other sites not used for training, because their patient is tested.
    """

    name: str
    train: Indices
    test: Indices
    removed: int = 0


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


def patient_folds(
    patients: Sequence[str], labels: NDArray[np.float64], folds: int, seed: int
) -> tuple[Fold, ...]:
    """Patient-grouped folds (see `grouped_folds`) with their names."""
    pairs = grouped_folds(patients, labels, folds, seed)
    return tuple(Fold(f"fold {n + 1}", train, test) for n, (train, test) in enumerate(pairs))


def site_folds(sites: Sequence[str], patients: Sequence[str], folds: int = 0) -> tuple[Fold, ...]:
    """Each site left out in turn; a patient of the tested site is never trained on.

    Args:
        sites: site of every case; the empty ones are left out together.
        patients: patient of every case.
        folds: 0 for one fold a site, or the number of folds that whole sites are grouped into.

    Raises:
        CohortError: if there are fewer sites than two, or than folds.
    """
    stated = [site or NO_SITE for site in sites]
    counts = Counter(stated)
    if len(counts) < max(2, folds):
        raise CohortError(
            f"{len(counts)} sites cannot make {max(2, folds)} folds.",
            remedy='choose fewer folds, or evaluation.split = "patient"',
        )
    groups = _grouped(counts, folds or len(counts))
    fold_of = {site: number for number, group in enumerate(groups) for site in group}
    number = np.array([fold_of[site] for site in stated])
    return tuple(_left_out(_name(group), number == n, patients) for n, group in enumerate(groups))


def _grouped(counts: Mapping[str, int], folds: int) -> list[list[str]]:
    """Whole sites in a given number of groups of similar size, the largest sites first."""
    groups: list[list[str]] = [[] for _ in range(folds)]
    for site in sorted(counts, key=lambda name: (-counts[name], name)):
        min(groups, key=lambda group: sum(counts[name] for name in group)).append(site)
    return [sorted(group) for group in sorted(groups)]


def _name(sites: Sequence[str]) -> str:
    return f"site {sites[0]}" if len(sites) == 1 else f"{len(sites)} sites, {sites[0]} and others"


def given_fold(splits: Sequence[str], patients: Sequence[str]) -> tuple[Fold, ...]:
    """The cohort's own split: cases marked "test" are tested, all others are for training.

    Raises:
        CohortError: if no case is marked "test", or all are.
    """
    tested = np.array([split.strip().lower() == "test" for split in splits], dtype=bool)
    if tested.all() or not tested.any():
        raise CohortError(
            f"{int(tested.sum())} of {len(tested)} cases are marked test.",
            remedy="write train or test into the column split of cases.csv",
        )
    return (_left_out("given split", tested, patients),)


def _left_out(name: str, tested: NDArray[np.bool_], patients: Sequence[str]) -> Fold:
    people = {patient for patient, here in zip(patients, tested, strict=True) if here}
    known = np.array([patient in people for patient in patients])
    train, test = np.flatnonzero(~known), np.flatnonzero(tested)
    if not len(train):
        raise CohortError(f"{name}: no patient is left to train on.", remedy="group fewer sites")
    return Fold(name, train, test, int((known & ~tested).sum()))


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
