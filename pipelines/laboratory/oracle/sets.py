"""Every set of conditions a visit can have, and its exact prior given the person.

The primary condition is a softmax; the others follow in table order. So the prior of a set is a sum
over its members as the primary: softmax(primary) times the probability that exactly the rest
follows, which depends on nobody but on the background illnesses that a condition `requires`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.person import noisy_or

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

LOST = 1e-4
"""Prior probability, at most, of all sets that are left out."""

_NEGLIGIBLE = 1e-9
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class ConditionSets:
    """The sets that are kept.

    Attributes:
        names: of all conditions, in table order, C of them.
        members: K sets by C conditions.
        required: background illnesses that decide whether a condition can follow.
        follows: for each combination of `required`, C primaries by K sets: the probability that
            the rest of the set follows and nothing else.
        lost: prior probability of the sets left out, averaged over the persons of `keep`.
    """

    names: tuple[str, ...]
    members: Flags
    required: tuple[str, ...]
    follows: Mapping[tuple[bool, ...], Floats]
    lost: float

    def group(self, causes: Iterable[str]) -> tuple[tuple[str, ...], Floats, Indices]:
        """What of the sets matters to something with these causes.

        Returns:
            The conditions among `causes`, the G distinct combinations of them (G x causes, 0 or
            1), and for each of the K sets the row of its combination.
        """
        relevant = tuple(name for name in self.names if name in set(causes))
        return relevant, *_distinct(self, relevant)

    def with_label(self, label: str, labels: Iterable[str]) -> Flags:
        """Which sets make `label` true, of K; `none_of_these` if they hold none of `labels`."""
        if label in self.names:
            return np.asarray(self.members[:, self.names.index(label)])
        columns = [self.names.index(name) for name in labels if name in self.names]
        return np.asarray(~self.members[:, columns].any(axis=1))

    def log_prior(self, primary: Floats, background: Mapping[str, Flags]) -> Floats:
        """Log probability of each set.

        Args:
            primary: log softmax of the primary condition, C x N.
            background: for each of `required`, which of the N persons have it.

        Returns:
            K x N.
        """
        shares = np.exp(primary)
        prior = np.empty((self.members.shape[0], shares.shape[1]))
        for combination, table in self.follows.items():
            chosen = np.ones(shares.shape[1], bool)
            for name, value in zip(self.required, combination, strict=True):
                chosen &= background[name] == value
            prior[:, chosen] = table.T @ shares[:, chosen]
        return np.asarray(np.log(np.maximum(prior, _TINY)))

    def keep(self, chosen: Flags) -> ConditionSets:
        """Only some of the sets."""
        follows = {key: table[:, chosen] for key, table in self.follows.items()}
        return ConditionSets(self.names, self.members[chosen], self.required, follows, self.lost)


@lru_cache(maxsize=4096)
def _distinct(sets: ConditionSets, relevant: tuple[str, ...]) -> tuple[Floats, Indices]:
    columns = [sets.names.index(name) for name in relevant]
    # A number for each combination; there are far fewer than 2 ** 53.
    key = sets.members[:, columns] @ (2.0 ** np.arange(len(columns)))
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return sets.members[first][:, columns].astype(float), np.asarray(inverse, dtype=np.intp)


def enumerate_sets(table: Likelihoods) -> ConditionSets:
    """All sets that can come about, negligible ones left out one by one."""
    names = tuple(table.conditions)
    required = tuple(dict.fromkeys(c.requires for c in table.conditions.values() if c.requires))
    found: dict[tuple[bool, ...], dict[tuple[int, frozenset[str]], float]] = {}
    for combination in product((False, True), repeat=len(required)):
        held = {name for name, value in zip(required, combination, strict=True) if value}
        found[combination] = {}
        for place, name in enumerate(names):
            for active, chance in _spread(table, name, held):
                found[combination][place, active] = chance
    sets = sorted({active for chances in found.values() for _, active in chances}, key=sorted)
    index = {active: row for row, active in enumerate(sets)}
    members = np.array([[name in active for name in names] for active in sets])
    follows = {}
    for combination, chances in found.items():
        follows[combination] = np.zeros((len(names), len(sets)))
        for (place, active), chance in chances.items():
            follows[combination][place, index[active]] = chance
    return ConditionSets(names, members, required, follows, 0.0)


def _spread(
    table: Likelihoods, primary: str, background: set[str]
) -> list[tuple[frozenset[str], float]]:
    """The sets that may come of a primary condition, with their probabilities."""
    states = [(frozenset({primary}), 1.0)]
    for key, condition in table.conditions.items():
        if key == primary or condition.requires not in ("", *background):
            continue
        grown = []
        for active, chance in states:
            joins = noisy_or(0.0, condition.follows, dict.fromkeys(active, 1.0))
            options = ((active, chance * (1 - joins)), (active | {key}, chance * joins))
            grown += [option for option in options if option[1] > _NEGLIGIBLE]
        states = grown
    return states


def pruned(sets: ConditionSets, log_prior: Floats, lost: float = LOST) -> ConditionSets:
    """The most frequent sets, all but `lost` of the probability.

    Args:
        sets: what to choose from.
        log_prior: K x N over typical persons.
        lost: probability that may be left out.
    """
    mass = np.exp(logsumexp(log_prior, axis=1) - np.log(log_prior.shape[1]))
    order = np.argsort(mass)[::-1]
    total = np.cumsum(mass[order])
    count = int(np.searchsorted(total, 1 - lost)) + 1
    chosen = np.zeros(len(mass), bool)
    chosen[order[:count]] = True
    kept = sets.keep(chosen)
    left_out = float(1 - mass[chosen].sum())
    return ConditionSets(kept.names, kept.members, kept.required, kept.follows, left_out)


def primary_shares(table: Likelihoods, site: str, units: Mapping[str, Floats]) -> Floats:
    """Log softmax of the primary condition of N persons, C x N."""
    prevalence = table.sites[site].prevalence
    count = len(units["age"])
    weights = np.empty((len(table.conditions), count))
    for row, (key, condition) in enumerate(table.conditions.items()):
        weights[row] = condition.weight + prevalence.get(key, 0.0)
        for name, odds in condition.risk.items():
            weights[row] += odds * units[name]
    return np.asarray(np.log(softmax(weights, axis=0)))
