"""One piece of evidence: log likelihoods, shared by the sets that it cannot tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.sets import ConditionSets, Floats, Indices


@dataclass(frozen=True, eq=False)
class Factor:
    """Log likelihood of one piece of evidence.

    Attributes:
        name: of the sign, finding or other piece.
        values: G distinct combinations of the conditions that matter, by N persons.
        rows: for each of K sets its row in `values`.
    """

    name: str
    values: Floats
    rows: Indices

    def add_to(self, total: Floats) -> None:
        """Add to log likelihoods of K sets by N persons."""
        if len(self.values) == 1:
            total += self.values
        else:
            total += self.values[self.rows]


def of_persons(name: str, values: Floats, sets: ConditionSets) -> Factor:
    """A factor that looks at the person only, not at the conditions."""
    return Factor(name, values[None, :], np.zeros(len(sets.members), dtype=np.intp))


def spared(
    base: float,
    given: Mapping[str, float],
    names: tuple[str, ...],
    groups: Floats,
    people: People,
    *,
    graded: bool,
) -> Floats:
    """Log probability that none of the causes brings about an effect (noisy-or), G by N.

    Args:
        base: probability without any cause.
        given: cause to the probability that it alone brings it about.
        names: conditions among the causes, the columns of `groups`.
        groups: combinations of them, 0 or 1.
        people: persons; their background illnesses count as causes of intensity 1.
        graded: whether an intensity below 1 makes a condition weaker.
    """
    rows = [people.conditions.index(name) for name in names]
    strength = np.minimum(people.intensity[rows], 1.0) if graded else 1.0
    lost = np.log1p(-np.minimum([given.get(name, 0.0) for name in names], 1 - 1e-12))[:, None]
    ones = np.ones((len(names), people.background.shape[1]))
    total = groups @ (lost * strength * ones) + np.log1p(-base)
    illnesses = [name for name in given if name in people.names]
    if illnesses:
        weights = np.log1p(-np.minimum([given[name] for name in illnesses], 1 - 1e-12))
        total += weights @ people.ill(illnesses)
    return np.asarray(total)
