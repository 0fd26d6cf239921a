"""Is every fold what it claims to be? Verified on its indices, and stated in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from clinical.errors import CohortError
from pipelines.folds.splits import Fold, Indices

REMEDY = (
    "split by patient (pipelines.folds.splits), and correct patient_id where one person has two"
)


def check_folds(folds: Sequence[Fold], patients: Sequence[str]) -> tuple[str, ...]:
    """One sentence for each fold (`check_parts`), and one on what all of them test.

    Args:
        folds: of one repeat; in several repeats a case is tested several times.
        patients: patient of every case of the cohort.

    Raises:
        CohortError: if a patient is on both sides of a fold, or a case is tested twice.
    """
    sentences = [
        check_parts(fold.name, {"training": fold.train, "test": fold.test}, patients)
        for fold in folds
    ]
    tested = np.concatenate([fold.test for fold in folds]) if folds else np.array([], dtype=int)
    twice = len(tested) - len(np.unique(tested))
    if twice:
        raise CohortError(
            f"{twice} cases are tested in more than one fold.", remedy="make the folds again"
        )
    summary = (
        f"{_number(len(folds), 'fold')}: {len(tested)} of {_number(len(patients), 'case')} tested,"
        " each once; no patient is on both sides of any fold."
    )
    return (*sentences, summary)


def check_parts(name: str, parts: Mapping[str, Indices], patients: Sequence[str]) -> str:
    """A sentence with the counts of every part, once it is sure that no patient is in two.

    Args:
        name: of the fold.
        parts: "training", "validation", "test", ... to indices of cases.
        patients: patient of every case of the cohort.

    Raises:
        CohortError: if a patient is in two parts, or a part is empty, holds a case twice, or one
            that does not exist.
    """
    people: dict[str, set[str]] = {}
    counts = []
    for part, indices in parts.items():
        _check_indices(f"{name}: {part}", indices, len(patients))
        people[part] = {patients[i] for i in indices}
        cases = _number(len(indices), "case")
        counts.append(f"{part} {cases} of {_number(len(people[part]), 'patient')}")
    for one, other in combinations(parts, 2):
        shared = people[one] & people[other]
        if shared:
            places = [int(i) + 1 for i in parts[other] if patients[i] in shared]
            raise CohortError(
                f"{name}: {_number(len(shared), 'patient')} in both {one} and {other}"
                f" ({_number(len(places), 'case')} of {other}; the first is number {places[0]} of"
                " the cohort).",
                remedy=REMEDY,
            )
    return f"{name}: {', '.join(counts)}; no patient is in two of them."


def _check_indices(where: str, indices: Indices, cases: int) -> None:
    if not len(indices):
        raise CohortError(f"{where} is empty.", remedy="choose fewer folds or a larger cohort")
    if len(np.unique(indices)) < len(indices):
        raise CohortError(f"{where} holds a case twice.", remedy="make the folds again")
    if indices.min() < 0 or indices.max() >= cases:
        raise CohortError(
            f"{where} names a case that is not in the cohort.", remedy="make the folds again"
        )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
