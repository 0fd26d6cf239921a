"""What if the model answered only where its prediction set is small? Abstention by set size.

A set that holds many diagnoses narrows nothing down, and an empty one says that the case is like
none that the model was calibrated on; on both the model abstains. Sets are those of cases as they
are, each calibrated for the inputs that the case has; first repeat.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from pipelines.folds.cross_validate import OutOfFold
from pipelines.folds.methods import AS_THEY_ARE
from pipelines.statistics.coverage import covered
from pipelines.statistics.metrics import bootstrap_weights
from pipelines.statistics.proportions import share

MOST = (1, 2, 3)
"""Diagnoses in a set up to which the model speaks."""


def abstention(tested: OutOfFold, *, samples: int, seed: int) -> list[dict[str, Any]]:
    """For each largest size: how many cases are answered, and how often rightly.

    Args:
        tested: out of fold.
        samples, seed: of the patient bootstrap.

    Returns:
        `most`: largest set that is an answer; `answered`: share of the cases with a set;
        `covered`: of the answered ones with a true diagnosis, the share whose set holds all of
        them; `held`: of the answered ones, the share whose set holds at least one. Empty where no
        case has a set.
    """
    members = tested.in_set.get(AS_THEY_ARE)
    if members is None:
        return []
    rows = np.flatnonzero(~np.isnan(members[0]).any(axis=1))
    if not len(rows):
        return []
    inside, true = members[0][rows] == 1, tested.dataset.labels[rows] == 1
    patients = [tested.dataset.patients[i] for i in rows]
    weights = bootstrap_weights(patients, samples, seed)
    size, everybody = inside.sum(axis=1), np.ones(len(rows), dtype=bool)
    found = []
    for most in MOST[: len(tested.dataset.diagnoses)]:
        answered = (size > 0) & (size <= most)
        ill = answered & true.any(axis=1)
        found.append(
            {
                "most": most,
                "answered": asdict(share(answered, everybody, patients, weights)),
                "covered": asdict(share(covered(true, inside), ill, patients, weights)),
                "held": asdict(share((inside & true).any(axis=1), answered, patients, weights)),
            }
        )
    return found
