"""One diagnosis in groups of patients (sex, age band, site, view), and the gaps between them.

Groups that are too small to say anything about, or small enough to point at somebody, are
suppressed: they are named apart, without figures, and take no part in any gap. Where just one group
is suppressed its size is still the total less the others; a table that leaves the building has to
mind that. Groups differ in case mix, so that a gap in AUROC is not by itself unfairness.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ConfigError
from pipelines.statistics.gaps import Figure, Gap, corrected, find_gap, permutations, sizes_of
from pipelines.statistics.metrics import (
    Interval,
    auroc_interval,
    bootstrap_weights,
    calibration_error_floor,
    weighted_aurocs,
)
from pipelines.statistics.proportions import share, weighted_shares
from pipelines.statistics.reliability import calibration_error_interval, weak_calibration

Values = NDArray[np.float64]

LEAST_PATIENTS = 20
LEAST_OUTCOMES = 10


@dataclass(frozen=True)
class Group:
    """What the model does in one group.

    Attributes:
        column, name: for example "sex" and "F".
        patients, cases, positives: with a known outcome.
        auroc: with its interval.
        calibration_error: ECE (15 bins); see `calibration_error_interval` for its interval.
        calibration_floor: ECE that perfect calibration would show with so few cases.
        calibration_slope: 1 is ideal.
        true_positive_rate, false_positive_rate: at the threshold; not defined without one.
    """

    column: str
    name: str
    patients: int
    cases: int
    positives: int
    auroc: Interval
    calibration_error: Interval
    calibration_floor: float
    calibration_slope: Interval
    true_positive_rate: Interval
    false_positive_rate: Interval


@dataclass(frozen=True)
class Suppressed:
    """A group without figures, and the rule that it fell under; its own numbers are not told."""

    column: str
    name: str
    because: str


@dataclass(frozen=True)
class Subgroups:
    """Groups of every column.

    Attributes:
        groups: large enough to be judged.
        suppressed: too small.
        unstated: column to cases with an empty group, which are in none.
        gaps: of AUROC, true and false positive rate, for every column; adjusted over all of them.
    """

    groups: tuple[Group, ...]
    suppressed: tuple[Suppressed, ...]
    unstated: Mapping[str, int]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, eq=False)
class _Cases:
    """With a known score and outcome; arrays [cases]."""

    p: Values
    y: Values
    people: NDArray[np.str_]
    threshold: Values | None
    samples: int
    seed: int

    def only(self, rows: NDArray[np.bool_]) -> _Cases:
        threshold = None if self.threshold is None else self.threshold[rows]
        return _Cases(
            self.p[rows], self.y[rows], self.people[rows], threshold, self.samples, self.seed
        )


def subgroups(
    probabilities: Values,
    labels: Values,
    patients: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    threshold: float | Values | None,
    *,
    least_patients: int = LEAST_PATIENTS,
    least_outcomes: int = LEAST_OUTCOMES,
    samples: int = 1000,
    permuted: int = 1000,
    seed: int = 0,
) -> Subgroups:
    """Every group of every column, and the gaps between groups.

    Args:
        probabilities, labels: [cases] of one diagnosis; a case that is NaN in either is left out.
        patients: of every case.
        columns: name to the group of every case; empty where it is not stated.
        threshold: at or above which a case is an alert, chosen on validation patients; one for all
            or one for each case [cases], where folds have their own; or None.
        least_patients, least_outcomes: a group with fewer patients, or fewer positive or fewer
            negative cases, is suppressed.
        samples: of the patient bootstrap.
        permuted: permutations of the group among patients.
        seed: of both.
    """
    known = ~(np.isnan(probabilities) | np.isnan(labels))
    cases = _Cases(
        probabilities[known],
        labels[known],
        np.asarray(patients, dtype=np.str_)[known],
        None if threshold is None else np.broadcast_to(threshold, known.shape)[known],
        samples,
        seed,
    )
    groups: list[Group] = []
    suppressed: list[Suppressed] = []
    gaps: list[Gap] = []
    unstated = {}
    for column, stated in columns.items():
        member = np.asarray(stated, dtype=np.str_)[known]
        unstated[column] = int((member == "").sum())
        small = _too_small(cases, member, least_patients, least_outcomes)
        suppressed += [Suppressed(column, name, why) for name, why in small.items()]
        names = sorted(set(member.tolist()) - {"", *small})
        groups += [_judged(column, name, cases.only(member == name)) for name in names]
        rows = np.isin(member, names)
        gaps += _gaps(column, cases.only(rows), member[rows].tolist(), permuted)
    return Subgroups(tuple(groups), tuple(suppressed), unstated, corrected(gaps))


def _too_small(
    cases: _Cases, member: NDArray[np.str_], least_patients: int, least_outcomes: int
) -> dict[str, str]:
    """Group to the rule that it falls under."""
    found = {}
    people = sizes_of(member.tolist(), cases.people.tolist())
    for name in sorted(set(people) - {""}):
        y = cases.y[member == name]
        if people[name] < least_patients:
            found[name] = f"fewer than {least_patients} patients"
        elif y.sum() < least_outcomes:
            found[name] = f"fewer than {least_outcomes} positive cases"
        elif (1 - y).sum() < least_outcomes:
            found[name] = f"fewer than {least_outcomes} negative cases"
    return found


def _judged(column: str, name: str, cases: _Cases) -> Group:
    p, y, people = cases.p, cases.y, cases.people.tolist()
    samples, seed = cases.samples, cases.seed
    return Group(
        column,
        name,
        patients=len(set(people)),
        cases=len(y),
        positives=int(y.sum()),
        auroc=auroc_interval(p, y, people, samples=samples, seed=seed),
        calibration_error=calibration_error_interval(p, y, people, samples=samples, seed=seed),
        calibration_floor=calibration_error_floor(p, seed=seed),
        calibration_slope=weak_calibration(p, y, people, samples=samples, seed=seed).slope,
        true_positive_rate=_rate(cases, y == 1),
        false_positive_rate=_rate(cases, y == 0),
    )


def _rate(cases: _Cases, among: NDArray[np.bool_]) -> Interval:
    if cases.threshold is None:
        return Interval(None, None, None, int(among.sum()), 0)
    people = cases.people.tolist()
    weights = bootstrap_weights(people, cases.samples, cases.seed)
    return share(cases.p >= cases.threshold, among, people, weights)


def _gaps(column: str, cases: _Cases, groups: Sequence[str], times: int) -> list[Gap]:
    figures = _figures(cases)
    if len(set(groups)) < 2:
        empty = np.zeros((0, len(groups)), dtype=np.uint8)
        return [find_gap(column, name, f, groups, empty, {}) for name, f in figures.items()]
    people = cases.people.tolist()
    drawn = bootstrap_weights(people, cases.samples, cases.seed)
    mixed = permutations(groups, people, times, cases.seed)
    return [find_gap(column, name, f, groups, drawn, mixed) for name, f in figures.items()]


def _figures(cases: _Cases) -> dict[str, Figure]:
    """Those of which the gap is taken; rates only where there is a threshold."""
    p, y = cases.p, cases.y
    figures: dict[str, Figure] = {"auroc": lambda weights: weighted_aurocs(p, y, weights)}
    if cases.threshold is not None:
        alert = p >= cases.threshold
        figures["true positive rate"] = lambda weights: weighted_shares(alert, y == 1, weights)
        figures["false positive rate"] = lambda weights: weighted_shares(alert, y == 0, weights)
    return figures


def age_bands(ages: Sequence[float | None], edges: Sequence[float]) -> list[str]:
    """Band of every age in years, such as "40-64"; empty where the age is not known.

    Args:
        ages: None or NaN for unknown.
        edges: first age of every band but the lowest, rising, whole years.

    Raises:
        ConfigError: if there is no edge, or they do not rise.
    """
    if not edges or any(low >= high for low, high in pairwise(edges)):
        raise ConfigError(
            "Age bands need edges in ascending order.",
            remedy="state first ages, for example 40 and 65",
        )
    starts = [int(edge) for edge in edges]
    names = [
        f"under {starts[0]}",
        *(f"{low}-{high - 1}" for low, high in pairwise(starts)),
        f"{starts[-1]} and over",
    ]
    return [
        "" if age is None or np.isnan(age) else names[int(np.searchsorted(starts, age, "right"))]
        for age in ages
    ]
