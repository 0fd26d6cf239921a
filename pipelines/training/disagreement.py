"""Learning when an input of a case disagrees with the others (`clinical.model.conflict`).

Nobody writes down which inputs were mixed up, so mixed-up cases are made: one input of a validation
case is that of another patient with other diagnoses. What tells them from cases as they are is a
logistic regression on a handful of features; what an honest case scores, it scores by weights that
were fitted without its patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from clinical.model import conflict
from clinical.model.calibration import Pattern, Support
from clinical.model.conflict import Rule, Rules, Side, Values
from clinical.model.model import Network
from clinical.model.space import of_case
from pipelines.training.calibrated import calibrated
from pipelines.training.fit import PreparedCase, predict_patterns, predict_tokens

LEAST = 100
"""With fewer honest cases that have the input and another one, no rule is made: none of five inputs
could be rare enough to be marked."""

_SWAPS = 4  # mixed-up cases for each honest one
_FOLDS = 5
_LOOSE = 300.0  # inverse strength of the ridge for one case; the features are standardised


@dataclass(frozen=True, eq=False)
class Sides:
    """One modality of all cases, and what the others of the same cases say.

    Attributes:
        cases: numbers of those that have the modality and another one.
        alone, others: of these, one for each.
    """

    cases: tuple[int, ...]
    alone: tuple[Side, ...]
    others: tuple[Side, ...]


def sides(
    network: Network,
    support: Mapping[str, Mapping[str, Support]],
    diagnoses: Sequence[str],
    modalities: Sequence[str],
    cases: Sequence[PreparedCase],
) -> dict[str, Sides]:
    """What the network says of each input alone, and of all others, of each case that has both.

    Args:
        network: finished.
        support: its calibration.
        diagnoses: in its order.
        modalities: that it knows, in its order.
        cases: prepared.
    """
    used = [tuple(name for name in modalities if _has(case, name)) for case in cases]
    wanted: list[Pattern] = [(name,) for name in modalities]
    wanted += [tuple(other for other in modalities if other != name) for name in modalities]
    logits = predict_patterns(network, cases, wanted)
    vectors = _vectors(network, cases)
    found = {}
    for number, name in enumerate(modalities):
        rows = [i for i, names in enumerate(used) if name in names and len(names) > 1]
        rest = [tuple(other for other in used[i] if other != name) for i in rows]
        left = logits[len(modalities) + number][rows]
        alone = calibrated(support, diagnoses, logits[number][rows], [(name,)] * len(rows))
        others = calibrated(support, diagnoses, left, rest)
        found[name] = Sides(
            tuple(rows),
            tuple(
                Side(row, {name: vectors[i][name]} if name in vectors[i] else {})
                for i, row in zip(rows, alone, strict=True)
            ),
            tuple(
                Side(row, {k: v for k, v in vectors[i].items() if k != name})
                for i, row in zip(rows, others, strict=True)
            ),
        )
    return found


def _has(case: PreparedCase, name: str) -> bool:
    return name in case and bool(case[name].sources)


def _vectors(network: Network, cases: Sequence[PreparedCase]) -> list[dict[str, Values]]:
    if network.space is None or not cases:
        return [{} for _ in cases]
    with torch.inference_mode():
        located = network.space(predict_tokens(network, cases))
    return [
        {name: vector.astype(np.float64) for name, vector in of_case(located, i).items()}
        for i in range(len(cases))
    ]


def fit_rules(
    found: Mapping[str, Sides],
    labels: NDArray[np.float64],
    patients: Sequence[str],
    prevalence: Values,
    cohort: str,
    seed: int = 0,
) -> Rules | None:
    """A rule for each modality that enough cases have, or None where there is none.

    Args:
        found: of cases that the network has not learnt from, in the order of its modalities.
        labels: [cases, diagnoses]; 1, 0 or NaN for unknown.
        patients: of the cases.
        prevalence: [diagnoses] in training.
        cohort: its name.
        seed: of the mixing up.
    """
    rules = {}
    for name, one in found.items():
        if len(one.cases) >= LEAST:
            rule = _rule(one, labels, patients, prevalence, tuple(found), seed)
            if rule is not None:
                rules[name] = rule
    return Rules(rules, cohort) if rules else None


def _rule(
    found: Sides,
    labels: NDArray[np.float64],
    patients: Sequence[str],
    prevalence: Values,
    modalities: Sequence[str],
    seed: int,
) -> Rule | None:
    honest = honest_features(found, prevalence, modalities)
    mixed, pairs = mixed_features(found, labels, patients, prevalence, modalities, seed)
    if not len(mixed):
        return None
    fold, middle = _folds([patients[i] for i in found.cases], seed), honest.mean(axis=0)
    weights = _weights(honest, mixed)
    scores = np.empty(len(honest))
    for number in range(_FOLDS):
        mine = fold == number
        others = _weights(honest[~mine], mixed[(fold[pairs] != number).all(axis=1)])
        # Folds differ in weights, not in where their scores begin.
        scores[mine] = (honest[mine] - middle) @ others + middle @ weights
    return Rule(tuple(np.round(weights, 6).tolist()), tuple(sorted(np.round(scores, 4).tolist())))


def honest_features(found: Sides, prevalence: Values, modalities: Sequence[str]) -> Values:
    """[cases, features] of the cases as they are."""
    pairs = zip(found.alone, found.others, strict=True)
    return np.array([conflict.features(a, o, prevalence, modalities) for a, o in pairs])


def mixed_features(
    found: Sides,
    labels: NDArray[np.float64],
    patients: Sequence[str],
    prevalence: Values,
    modalities: Sequence[str],
    seed: int,
    swaps: int = _SWAPS,
) -> tuple[Values, NDArray[np.intp]]:
    """The input of another patient with other diagnoses, in each case so many times.

    Returns:
        [mixed-up cases, features], and [mixed-up cases, 2] the numbers in `found` of the case in
        which something was put, and of the one that it is from.
    """
    generator = np.random.default_rng(seed)
    true = [frozenset(np.flatnonzero(labels[i] == 1).tolist()) for i in found.cases]
    people = [patients[i] for i in found.cases]
    rows, pairs = [], []
    for host in range(len(found.cases)):
        strangers = [
            guest
            for guest in range(len(found.cases))
            if people[guest] != people[host] and true[guest] != true[host]
        ]
        if not strangers:
            continue
        drawn = generator.choice(len(strangers), min(swaps, len(strangers)), replace=False)
        for guest in (strangers[number] for number in drawn):
            sides = found.alone[guest], found.others[host]
            rows.append(conflict.features(*sides, prevalence, modalities))
            pairs.append((host, guest))
    return np.array(rows), np.array(pairs, dtype=np.intp).reshape(-1, 2)


def _folds(patients: Sequence[str], seed: int) -> NDArray[np.intp]:
    """Every patient in one fold."""
    names = sorted(set(patients))
    order = np.random.default_rng(seed).permutation(len(names)) % _FOLDS
    place = dict(zip(names, order.tolist(), strict=True))
    return np.array([place[name] for name in patients], dtype=np.intp)


def _weights(honest: Values, mixed: Values) -> Values:
    rows = np.concatenate([honest, mixed])
    spread = rows.std(axis=0)
    spread[spread == 0] = 1.0  # an input that nobody has tells nothing
    # Divided by the cases: weights of a fold would else be drawn to 0 more than those of all, and
    # scores of honest cases would spread less than those of the cases they are compared with.
    strength = _LOOSE / len(rows)
    learner = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    learner.fit((rows - rows.mean(axis=0)) / spread, np.repeat([0, 1], [len(honest), len(mixed)]))
    weights: Values = learner.coef_[0] / spread
    return weights
