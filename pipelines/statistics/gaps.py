"""How far a figure differs between groups of patients, and whether chance explains it.

A gap is the largest minus the smallest figure of any group. It is never below 0, so that its
bootstrap interval lies above 0 even where groups do not differ; the p-value is what speaks to that.
It comes from permutation: group labels are shuffled among patients and the gap is recomputed. The
null hypothesis is that scores and outcomes together do not depend on the group, so groups with a
different case mix may differ without the model being to blame.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.metrics import Interval, Weights, interval

Values = NDArray[np.float64]
Figure = Callable[[Weights], Values]
"""From weights [samples, cases] to the figure of each sample [samples]; NaN where not defined."""


@dataclass(frozen=True)
class Gap:
    """Between the groups of one column.

    Attributes:
        column: for example "sex".
        figure: for example "auroc".
        size: largest minus smallest, with its patient-bootstrap 95% interval.
        highest, lowest: the groups; empty where the gap is not defined.
        p: share of permutations with a gap at least as large; None where not defined.
        adjusted: p after Holm's correction over all gaps that were tested together.
    """

    column: str
    figure: str
    size: Interval
    highest: str
    lowest: str
    p: float | None
    adjusted: float | None = None


def find_gap(
    column: str,
    figure: str,
    compute: Figure,
    groups: Sequence[str],
    drawn: Weights,
    permuted: Mapping[str, Weights],
) -> Gap:
    """The gap in one figure between the groups of one column.

    Args:
        column, figure: names.
        compute: the figure, from weights.
        groups: group of every case.
        drawn: [samples, cases] from `pipelines.statistics.metrics.bootstrap_weights`.
        permuted: from `permutations` of the same groups.
    """
    names = sorted(set(groups))
    members = {name: np.asarray(groups) == name for name in names}
    nothing = Gap(column, figure, Interval(None, None, None, 0, 0), "", "", None)
    if len(names) < 2:
        return nothing
    found = [float(compute(members[name][None].astype(np.uint8))[0]) for name in names]
    if np.isnan(found).any():
        return nothing
    value = max(found) - min(found)
    samples = _spread([compute(drawn * members[name]) for name in names])
    chance = _spread([compute(permuted[name]) for name in names])
    chance = chance[~np.isnan(chance)]
    # Sums of the same numbers in another order differ in the last bits.
    extreme = int((chance >= value - 1e-12).sum())
    return Gap(
        column,
        figure,
        interval(value, samples, len(groups)),
        highest=names[int(np.argmax(found))],
        lowest=names[int(np.argmin(found))],
        p=(1 + extreme) / (1 + len(chance)) if len(chance) else None,
    )


def _spread(figures: Sequence[Values]) -> Values:
    """Largest minus smallest [samples]; NaN where any group's is not defined."""
    rows = np.stack(figures)
    return np.asarray(rows.max(axis=0) - rows.min(axis=0))


def permutations(
    groups: Sequence[str], patients: Sequence[str], times: int, seed: int
) -> dict[str, Weights]:
    """Group to membership of every case [permutations, cases] after labels went to other patients.

    Where a patient has one label, it moves as one. Where the cases of a patient have several (a
    view, say), the patient's labels are shuffled among the patient's own cases, and then go as a
    whole to a patient with as many cases; patients with an unusual number of cases keep theirs.

    Args:
        groups, patients: of every case.
        times: how many permutations.
        seed: of the permutations.
    """
    names, found = np.unique(np.asarray(groups), return_inverse=True)
    label = found.astype(np.int32)  # held once for every permutation
    _, first, person = np.unique(np.asarray(patients), return_index=True, return_inverse=True)
    generator = np.random.default_rng(seed)
    if (label[first][person] == label).all():
        placed = np.stack([generator.permutation(label[first])[person] for _ in range(times)])
    else:
        placed = _mixed_within(label, person, times, generator)
    return {str(name): (placed == n).astype(np.uint8) for n, name in enumerate(names)}


def _mixed_within(
    label: NDArray[np.int32], person: NDArray[np.intp], times: int, generator: np.random.Generator
) -> NDArray[np.int32]:
    """Labels [permutations, cases], exchanged among patients with equally many cases."""
    placed = np.empty((times, len(label)), dtype=np.int32)
    counts = np.bincount(person)
    for size in np.unique(counts):
        rows = np.stack([np.flatnonzero(person == n) for n in np.flatnonzero(counts == size)])
        for turn in range(times):
            placed[turn, rows] = generator.permuted(generator.permutation(label[rows]), axis=1)
    return placed


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the family-wise error (Holm 1979, Scand J Stat 6:65-70)."""
    order = sorted(range(len(p_values)), key=lambda n: p_values[n])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, n in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[n]))
        adjusted[n] = highest
    return adjusted


def corrected(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """The same gaps with Holm's correction over all that have a p-value.

    Give it the gaps of every column and every diagnosis of a study at once.
    """
    tested = [(n, gap.p) for n, gap in enumerate(gaps) if gap.p is not None]
    found = dict(zip((n for n, _ in tested), holm([p for _, p in tested]), strict=True))
    return tuple(replace(gap, adjusted=found.get(n)) for n, gap in enumerate(gaps))


def sizes_of(groups: Sequence[str], patients: Sequence[str]) -> dict[str, int]:
    """Group to its number of patients; one whose cases are in two groups counts in both."""
    return dict(Counter(group for group, _ in set(zip(groups, patients, strict=True))))
