"""A case without its inputs answers what a study asks of it as the whole one does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from clinical.case.case import Case
from clinical.cohorts import folder
from pipelines.folds.temporal import day
from pipelines.study import case_facts, subgroup_columns
from pipelines.study.guards.acquisition import facts_of
from pipelines.study.rules import AtLeast, Condition, Decided, FirstCase, Has, Rule
from pipelines.study.selection import select
from pipelines.training.dataset import CachedCase

COHORT = Path(__file__).parents[3] / "sample_data" / "cohort"


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    found: Iterator[Case] = (c for c in folder.read(COHORT) if isinstance(c, Case))
    return [case for case, _ in zip(found, range(12), strict=False)]


@pytest.fixture(scope="module")
def known(cases: list[Case]) -> list[case_facts.Known]:
    rows = [case_facts.facts(case, frozenset({"image"}) & set(case.inputs)) for case in cases]
    return [case_facts.known(json.loads(json.dumps(row))) for row in rows]


def whole(case: Case) -> CachedCase:
    images = {name: () for name in case.inputs if name == "image"}
    return CachedCase(case.without("image"), images)


def test_who_where_and_when(cases: list[Case], known: list[case_facts.Known]) -> None:
    for case, found in zip(cases, known, strict=True):
        own = found.cached.case
        assert (own.case_id, own.patient_id, own.site) == (case.case_id, case.patient_id, case.site)
        assert (own.decision_time, day(own)) == (case.decision_time, day(case))
        for ask in (subgroup_columns.sex, subgroup_columns.age, subgroup_columns.inputs):
            assert ask(found.cached) == ask(whole(case))


def test_how_its_image_was_made(cases: list[Case], known: list[case_facts.Known]) -> None:
    said = facts_of(cases)
    for case, found in zip(cases, known, strict=True):
        assert dict(found.acquired) == {
            fact: group[case.case_id] for fact, group in said.items() if case.case_id in group
        }
    assert any(found.acquired for found in known)


@pytest.mark.parametrize(
    "condition",
    [
        Has("image"),
        Has("notes"),
        AtLeast("measurements", 20),
        AtLeast("history", 3),
        FirstCase(),
        Decided(date(2022, 1, 1), date(2022, 12, 31)),
    ],
)
def test_rules_leave_the_same_cases(
    condition: Condition, cases: list[Case], known: list[case_facts.Known]
) -> None:
    rule = Rule("rule", "include", condition)
    labels = np.zeros((len(cases), 1))
    arrays = [tuple(one.cached.images) for one in known]
    full = select([rule], [whole(c).case for c in cases], labels, ["x"], arrays=arrays)
    found = select([rule], [one.cached.case for one in known], labels, ["x"], arrays=arrays)
    assert found.kept.tolist() == full.kept.tolist()
    assert found.steps == full.steps
