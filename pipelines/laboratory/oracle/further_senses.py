"""What the oracle makes of the further senses of a case: one module for each, by its name.

Such a module lies in this folder, is called as the sense (`pipelines.laboratory.simulate.senses`),
and has `factors` and `readings`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from pipelines.laboratory.oracle.factors import Factor
from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.readings import Reading
from pipelines.laboratory.oracle.sets import ConditionSets
from pipelines.laboratory.simulate.clinic import SimulatedPatient
from pipelines.laboratory.simulate.likelihoods import Likelihoods


class SenseOracle(Protocol):
    """What the module of a sense has."""

    def factors(
        self, shown: Any, table: Likelihoods, sets: ConditionSets, people: People
    ) -> list[Factor]:
        """Likelihood of what the sense shows, piece by piece."""

    def readings(self, shown: Any, table: Likelihoods) -> Mapping[str, Sequence[Reading]]:
        """Analyte to further values of it, which are integrated with those of the chart."""


def shown(patient: SimulatedPatient, kinds: frozenset[str]) -> Iterator[tuple[str, SenseOracle]]:
    """Name and module of each of the senses among `kinds` that the case has a recording of."""
    for name in sorted(kinds & patient.recorded.keys()):
        module = importlib.import_module(f"pipelines.laboratory.oracle.{name}")
        yield name, cast(SenseOracle, module)
