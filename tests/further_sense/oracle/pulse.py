"""The oracle's part of the sense for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.laboratory.oracle.factors import Factor
from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.readings import Reading
from pipelines.laboratory.oracle.sets import ConditionSets
from pipelines.laboratory.simulate.likelihoods import Likelihoods

FULL, ELSE = 0.9, 0.1


def factors(shown: str, table: Likelihoods, sets: ConditionSets, people: People) -> list[Factor]:
    _, groups, rows = sets.group(["heart_failure"])
    full = np.where(groups[:, :1] > 0, FULL, ELSE) * np.ones((1, len(people.age)))
    return [Factor("pulse", np.log(full if shown.startswith("full") else 1 - full), rows)]


def readings(shown: str, table: Likelihoods) -> Mapping[str, Sequence[Reading]]:
    return {}
