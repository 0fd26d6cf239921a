"""Who is in a study: rules applied one after another, and what each of them removed.

A value that is missing cannot be judged. Such a case has not shown that it belongs, so an inclusion
removes it; nor that it does not, so an exclusion keeps it. Both are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.config import nearest
from clinical.errors import ConfigError
from clinical.modalities.kit import kit_of, person
from pipelines.folds.splits import Indices
from pipelines.folds.temporal import day, decided
from pipelines.study.rules import (
    Age,
    AtLeast,
    Condition,
    Decided,
    FirstCase,
    Has,
    Kind,
    Known,
    OfSex,
    OfSite,
    Rule,
    describe,
)
from pipelines.training.dataset import Dataset

Verdict = bool | None
"""Whether a case meets a condition; None where the value that decides is missing."""


@dataclass(frozen=True)
class Counts:
    """How many cases, of how many patients."""

    cases: int
    patients: int

    def __str__(self) -> str:
        cases = f"{self.cases} case{'' if self.cases == 1 else 's'}"
        return f"{cases} of {self.patients} patient{'' if self.patients == 1 else 's'}"


@dataclass(frozen=True)
class Step:
    """What one rule did.

    Attributes:
        name, kind: of the rule.
        condition: of the rule, in words.
        before, left: cases and patients.
        removed: cases, and those of their patients of whom no case is left.
        unjudged: cases whose deciding value is missing; part of `removed` for an inclusion, of
            `left` for an exclusion.
    """

    name: str
    kind: Kind
    condition: str
    before: Counts
    removed: Counts
    left: Counts
    unjudged: int


@dataclass(frozen=True, eq=False)
class Selection:
    """Cases that all rules have left.

    Attributes:
        kept: their indices, ascending.
        steps: one for each rule, in order.
    """

    kept: Indices
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class _Cohort:
    """What rules may look at.

    Attributes:
        cases, labels, diagnoses: as of `select`.
        arrays: names of each case's images.
        counted: indices of the cases that steps count.
    """

    cases: Sequence[Case]
    labels: NDArray[np.float64]
    diagnoses: Sequence[str]
    arrays: Sequence[Collection[str]]
    counted: Indices

    def count(self, rows: Indices) -> Counts:
        rows = rows[np.isin(rows, self.counted)]
        return Counts(len(rows), len({self.cases[i].patient_id for i in rows}))


def select(
    rules: Iterable[Rule],
    cases: Sequence[Case],
    labels: NDArray[np.float64],
    diagnoses: Sequence[str],
    *,
    arrays: Sequence[Collection[str]] = (),
    counted: Indices | None = None,
) -> Selection:
    """Apply rules one after another.

    Args:
        rules: see `pipelines.study.rules`.
        cases: of the cohort, in its order.
        labels: [cases, diagnoses]; 1, 0 or NaN for unknown.
        diagnoses: names of the labels.
        arrays: for each case, names of modalities whose arrays were taken out of it; empty if the
            cases are whole.
        counted: indices of the cases that the steps count; None: of all.

    Raises:
        ConfigError: if a rule names a modality, site or diagnosis that no case of the cohort has.
    """
    kept: Indices = np.arange(len(cases), dtype=np.intp)
    looked_at = kept if counted is None else counted
    cohort = _Cohort(cases, labels, diagnoses, arrays or [()] * len(cases), looked_at)
    among = frozenset(looked_at.tolist())
    steps = []
    for rule in rules:
        _check_names(rule, cohort)
        verdicts = _verdicts(rule.condition, cohort, kept)
        wanted = rule.kind == "include"
        stay = [met is True if wanted else met is not True for met in verdicts]
        left = kept[np.array(stay, dtype=bool)]
        before, after = cohort.count(kept), cohort.count(left)
        removed = Counts(before.cases - after.cases, before.patients - after.patients)
        words = describe(rule.condition)
        unjudged = sum(
            met is None and row in among for met, row in zip(verdicts, kept.tolist(), strict=True)
        )
        steps.append(Step(rule.name, rule.kind, words, before, removed, after, unjudged))
        kept = left
    return Selection(kept, tuple(steps))


def select_from(
    dataset: Dataset, rules: Iterable[Rule], counted: Indices | None = None
) -> Selection:
    """Apply rules to a cohort that was read for training (`select`)."""
    return select(
        rules,
        [cached.case for cached in dataset.cases],
        dataset.labels,
        dataset.diagnoses,
        arrays=[tuple(cached.images) for cached in dataset.cases],
        counted=counted,
    )


def selected(dataset: Dataset, selection: Selection) -> Dataset:
    """The dataset with the cases of a selection only; what was skipped in reading stays named."""
    kept = selection.kept
    return replace(
        dataset,
        cases=tuple(dataset.cases[i] for i in kept),
        labels=dataset.labels[kept],
        regions=None if dataset.regions is None else dataset.regions[kept],
        splits=tuple(dataset.splits[i] for i in kept) if dataset.splits else (),
        days=None if dataset.days is None else dataset.days[kept],
    )


def to_json(selection: Selection) -> list[dict[str, Any]]:
    """The steps of a selection as JSON-compatible values."""
    return [asdict(step) for step in selection.steps]


def _check_names(rule: Rule, cohort: _Cohort) -> None:
    match rule.condition:
        case Has(modality) | AtLeast(modality, _):
            pairs = zip(cohort.cases, cohort.arrays, strict=True)
            names = {name for case, arrays in pairs for name in (*case.inputs, *arrays)}
            _check_name(rule, "modality", modality, names)
        case OfSite(sites):
            for site in sites:
                _check_name(rule, "site", site, {case.site for case in cohort.cases} - {""})
        case Known(diagnosis):
            _check_name(rule, "diagnosis", diagnosis, cohort.diagnoses)
        case _:
            pass


def _check_name(rule: Rule, what: str, name: str, known: Collection[str]) -> None:
    # A misspelt name would remove all cases, or none, and nobody might notice the latter.
    if name not in known:
        remedy = nearest(name, sorted(known)) if known else "leave the rule out"
        raise ConfigError(f"Rule {rule.name!r}: no case has {what} {name!r}.", remedy=remedy)


def _verdicts(condition: Condition, cohort: _Cohort, rows: Indices) -> list[Verdict]:
    match condition:
        case Has(modality):
            return [_items(cohort, i, modality) is not None for i in rows]
        case AtLeast(modality, items):
            return [(_items(cohort, i, modality) or 0) >= items for i in rows]
        case Known(diagnosis):
            column = list(cohort.diagnoses).index(diagnosis)
            return [not np.isnan(cohort.labels[i, column]) for i in rows]
        case FirstCase():
            return _first([cohort.cases[i] for i in rows])
        case _:
            judge = _judge(condition)
            return [judge(cohort.cases[i]) for i in rows]


def _judge(condition: Age | OfSex | OfSite | Decided) -> Callable[[Case], Verdict]:
    """How a condition looks at one case by itself."""
    match condition:
        case Age(low, high):
            return lambda case: None if (age := _age(case)) is None else low <= age <= high
        case OfSex(sex):
            return lambda case: None if (own := _sex(case)) is None else own == sex
        case OfSite(sites):
            return lambda case: case.site in sites if case.site else None
        case Decided(first, last):
            return lambda case: None if (when := day(case)) is None else first <= when <= last


def _items(cohort: _Cohort, row: int, modality: str) -> int | None:
    """How many usable items a case has of a modality; None if it is absent."""
    if modality in cohort.arrays[row]:
        return 1
    shape = cohort.cases[row].inputs.get(modality)
    return None if shape is None else kit_of(modality, shape).usable(shape)


def _age(case: Case) -> float | None:
    return person(case).age_years


def _sex(case: Case) -> str | None:
    return person(case).sex


def _first(cases: Sequence[Case]) -> list[Verdict]:
    """Which case is its patient's earliest; of several at one moment, the first in the cohort.

    Where a patient has several cases and one of them has no time, none can be judged.
    """
    number = Counter(case.patient_id for case in cases)
    undated = {case.patient_id for case in cases if decided(case) is None}
    earliest: dict[str, int] = {}
    for row, case in enumerate(cases):
        moment, other = decided(case), earliest.get(case.patient_id)
        known = decided(cases[other]) if other is not None else None
        if other is None or (moment is not None and known is not None and moment < known):
            earliest[case.patient_id] = row
    return [
        None
        if number[case.patient_id] > 1 and case.patient_id in undated
        else earliest[case.patient_id] == row
        for row, case in enumerate(cases)
    ]
