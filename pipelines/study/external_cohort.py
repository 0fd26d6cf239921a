"""External validation: train on one cohort, test on a second."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipelines.folds.splits import Fold
from pipelines.study.flow import LEARNT_FROM, TESTED_HERE, Flow, flow
from pipelines.study.read_cohort import Cohort
from pipelines.study.rules import Rule
from pipelines.study.selection import Selection, select_from
from pipelines.training.dataset import Dataset

LEARNT, TESTED = "train", "test"
FOLD = "external cohort"
"""Name of the one fold of such a study."""
OTHER_TESTED = "the patient is tested, in the other cohort"
PREFIX = "external/"
"""Before an id of the second cohort that the first one has given to somebody else."""


def joined(first: Cohort, second: Cohort, *, shares_patients: bool) -> Cohort:
    """The cases of both, marked by what is done with them.

    Args:
        first: learnt from.
        second: tested; of the same diagnoses.
        shares_patients: whether one patient_id is one person in both.
    """
    cases = _ids(first, "case_id")
    people = () if shares_patients else _ids(first, "patient_id")
    second = _renamed(second, cases, people)
    one, two = first.dataset, second.dataset
    facts = {
        name: {**first.facts.get(name, {}), **second.facts.get(name, {})}
        for name in {**first.facts, **second.facts}
    }
    dataset = Dataset(
        (*one.cases, *two.cases),
        one.diagnoses,
        np.concatenate([one.labels, two.labels]),
        (*one.skipped, *two.skipped),
        (*one.problems, *two.problems),
        _regions(one, two),
        (*[LEARNT] * len(one.cases), *[TESTED] * len(two.cases)),
        _days(one, two),
    )
    prints, parts = (*first.prints, *second.prints), {**first.parts, **second.parts}
    return Cohort(first.description, dataset, facts, prints, parts, (one, two))


def ways(read: Cohort, rules: Sequence[Rule], selection: Selection, fold: Fold) -> dict[str, Flow]:
    """The way of the cases of each of two joined cohorts; empty where there is one only.

    Args:
        read: as joined, before any rule.
        rules: of the study; they look at both cohorts together.
        selection: what they left.
        fold: indices into the selected cases.
    """
    if not read.joined:
        return {}
    one, two = read.joined
    first = np.arange(len(one.cases), dtype=np.intp)
    second = np.arange(len(one.cases), len(read.dataset.cases), dtype=np.intp)
    before = int(np.isin(selection.kept, first).sum())
    found = {}
    for name, own, rows, parts, left_out in (
        (LEARNT_FROM, one, first, {LEARNT_FROM: fold.train}, {OTHER_TESTED: fold.removed}),
        (TESTED_HERE, two, second, {TESTED_HERE: fold.test - before}, {}),
    ):
        steps = select_from(read.dataset, rules, rows).steps
        kept = selection.kept[np.isin(selection.kept, rows)] - rows[0]
        found[name] = flow(own, Selection(kept, steps), parts, left_out)
    return found


def _days(one: Dataset, two: Dataset) -> NDArray[np.float64] | None:
    if one.days is None and two.days is None:
        return None
    return np.concatenate(
        [np.full_like(of.labels, np.nan) if of.days is None else of.days for of in (one, two)]
    )


def _ids(cohort: Cohort, which: str) -> frozenset[str]:
    return frozenset(getattr(cached.case, which) for cached in cohort.dataset.cases)


def _renamed(cohort: Cohort, cases: Collection[str], people: Collection[str]) -> Cohort:
    """The cohort with a prefix before ids that are taken."""

    def new(name: str, taken: Collection[str]) -> str:
        return PREFIX + name if name in taken else name

    dataset = replace(
        cohort.dataset,
        cases=tuple(
            replace(
                cached,
                case=replace(
                    cached.case,
                    case_id=new(cached.case.case_id, cases),
                    patient_id=new(cached.case.patient_id, people),
                ),
            )
            for cached in cohort.dataset.cases
        ),
    )
    facts = {
        fact: {new(case, cases): group for case, group in groups.items()}
        for fact, groups in cohort.facts.items()
    }
    prints = tuple(replace(one, case_id=new(one.case_id, cases)) for one in cohort.prints)
    parts = {new(case, cases): own for case, own in cohort.parts.items()}
    return replace(cohort, dataset=dataset, facts=facts, prints=prints, parts=parts)


def _regions(one: Dataset, two: Dataset) -> np.ndarray | None:
    """Regions are used for training only, so those of tested cases are never read."""
    if one.regions is None:
        return None
    return np.concatenate([one.regions, np.zeros((len(two.cases), *one.regions.shape[1:]), "f4")])
