"""External validation: train on one cohort, test on a second."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from pipelines.study.read_cohort import Cohort
from pipelines.training.dataset import Dataset

LEARNT, TESTED = "train", "test"
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
    )
    prints, parts = (*first.prints, *second.prints), {**first.parts, **second.parts}
    return Cohort(first.description, dataset, facts, prints, parts)


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
