"""Cohorts that were misread once: what is read of each, what is said, and what is asked.

tests/spec/cohort_cases.csv has for each the number of values that are used, facts about single
cases, a part of what the reader says and a part of what `triptych check` says must be decided
(nothing must be, where it is empty).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Measurement
from clinical.cohorts import folder
from clinical.modalities.kit import read_by
from pipelines.checking.check import check
from pipelines.checking.folder_cohort import Options

SPEC = Path(__file__).parents[2] / "spec" / "cohort_cases.csv"
COHORTS = Path(__file__).parents[3] / ".." / "shared" / "cases" / "cohorts"
pytestmark = pytest.mark.real_data

ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))


def facts(case: Case) -> Iterator[str]:
    """What can be said of a case, as the table writes it."""
    for name in ("image", "measurements", "notes"):
        if name not in case.inputs:
            yield f"{name}=none"
    for kit, _, value in read_by(case):
        yield from (f"code={event.code}" for event in kit.coded(value))
        yield f"sex={kit.person(value).sex}"
        yield f"age={kit.person(value).age_years}"
    yield from (f"{item.name}={item.value:.7g}" for item in used(case) if item.value is not None)


def used(case: Case) -> list[Measurement]:
    found = (item for kit, _, value in read_by(case) for item in kit.measured(value))
    return [item for item in found if item.value is not None]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["cohort"]))
def test_a_cohort_that_was_misread_once(row: dict[str, str]) -> None:
    root = COHORTS / row["cohort"]
    if not root.is_dir():
        pytest.skip("the collected cases are not beside this checkout (../shared/cases)")
    found = list(folder.read(root))
    cases = [one for one in found if isinstance(one, Case)]
    said = [one.reason for one in found if isinstance(one, Problem)]
    said += [one.problem.reason for one in found if isinstance(one, SkippedCase)]
    said += [problem.reason for case in cases for problem in case.problems]
    told = {f"{case.case_id}:{fact}" for case in cases for fact in facts(case)}
    told |= {f"{one.case_id}:case=none" for one in found if isinstance(one, SkippedCase)}

    assert sum(len(used(case)) for case in cases) == int(row["used"])
    assert set(filter(None, row["facts"].split("; "))) <= told
    assert not row["says"] or any(row["says"] in reason for reason in said)
    asked = [one.text for one in check(root, "", Options()).to_decide]
    assert any(row["asks"] in text for text in asked) if row["asks"] else asked == []
