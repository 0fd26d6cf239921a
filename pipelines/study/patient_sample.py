"""Whole patients drawn at random, where all cases of a cohort would take too long to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def whole_patients(patients: Sequence[str], most: int, seed: int) -> list[int]:
    """Numbers, in order, of at most `most` cases: of a patient all of them or none.

    A patient who has more cases than are left over is passed by, and the next one is tried.

    Args:
        patients: of every case.
        most: cases.
        seed: of the draw.
    """
    owned: dict[str, list[int]] = {}
    for number, patient in enumerate(patients):
        owned.setdefault(patient, []).append(number)
    people = list(owned.values())
    chosen: list[int] = []
    for place in np.random.default_rng(seed).permutation(len(people)).tolist():
        if len(chosen) + len(people[place]) <= most:
            chosen += people[place]
    return sorted(chosen)
