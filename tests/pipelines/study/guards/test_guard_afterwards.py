"""What is later than the decision is counted; what has no time may be later and is warned of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from clinic_of_shortcuts import NOW, QUICK, dataset_of, labels_of, labs, measured, note
from clinic_of_two import write_cohort

from clinical.case.case import Case, Problem
from clinical.case.shapes import Event, Events
from clinical.cohorts import folder, hannover
from clinical.tables.clock import Clock
from clinical.tables.table import Row
from pipelines.study.guards.afterwards import LATER, afterwards, is_late
from pipelines.study.guards.guard import Finding, GuardResult, Skipped


def by_subject(findings: tuple[Finding, ...]) -> dict[str, GuardResult]:
    return {f.subject: f for f in findings if isinstance(f, GuardResult)}


def test_values_without_a_time_fire_and_timed_ones_do_not() -> None:
    inputs = [
        {
            "labs": labs(measured("crp", 1.0), measured("tnt", 1.0)),
            "vitals": labs(measured("pulse", 80.0), measured("rate", 1.0, None)),
            "history": Events((Event("I10", "Hypertension"),)),
            "notes": note("Seen.", None),
        }
    ] * 40
    found = by_subject(afterwards(dataset_of(labels_of(40), inputs=inputs), QUICK))
    assert {name for name, finding in found.items() if finding.fires} == {"notes", "vitals"}
    assert found["vitals"].estimate.value == 0.5
    assert found["vitals"].counts == {"items": 80, "without a time": 40}
    assert found["history"].estimate.value == 1
    assert found["history"].threshold is None


def test_a_few_gaps_do_not_fire() -> None:
    inputs = [{"labs": labs(measured("crp", 1.0, None if n < 3 else 1.0))} for n in range(100)]
    found = by_subject(afterwards(dataset_of(labels_of(100), inputs=inputs), QUICK))["labs"]
    assert found.estimate.value == pytest.approx(0.03)
    assert not found.fires


def test_what_the_reader_set_aside_is_counted_by_table_and_does_not_fire() -> None:
    late = "the time is after the decision; nothing later than the decision is used."
    problems = (
        Problem("notes.csv", late, 3, "time", case_id="c000"),
        Problem("notes.csv", late, 4, "time", case_id="c000"),
        Problem("measurements.csv", late, 9, "offset_days", case_id="c001"),
        Problem("measurements.csv", "the unit is not known.", 7, "unit", case_id="c002"),
        Problem("data.csv", "the value is later than the radiograph.", 7, "crp_offset"),
    )
    dataset = replace(dataset_of(labels_of(10)), problems=problems)
    found = by_subject(afterwards(dataset, QUICK))[LATER]
    assert found.counts == {
        "set aside": 4,
        "data: crp": 1,
        "measurements": 1,
        "notes": 2,
    }
    assert found.estimate.value == pytest.approx(0.2)
    assert not found.fires


def test_the_words_are_those_of_the_readers(tmp_path: Path) -> None:
    """A late row of a real folder is recognised; if a reader changes its words, this fails."""
    root = write_cohort(tmp_path / "two")
    late = (NOW + timedelta(days=9)).isoformat()
    with (root / "notes.csv").open("a", encoding="utf-8") as file:
        file.write(f"c0000,plan,Written later.,{late}\n")
    cases = [reading for reading in folder.read(root) if isinstance(reading, Case)]
    problems = [problem for case in cases for problem in case.problems]
    assert [is_late(problem) for problem in problems] == [True]
    row = Row(2, ("", "1.5"), {"time": 0, "offset_days": 1})
    moment = Clock(UTC, None).moment("labs.csv", row, "time")
    assert isinstance(moment, Problem)
    assert is_late(moment)


@pytest.mark.real_data
def test_late_values_of_a_published_set_are_recognised(shared_data: Path) -> None:
    root = shared_data / "hannover"
    problems = [p for case in hannover.read(root) if isinstance(case, Case) for p in case.problems]
    late = [problem for problem in problems if is_late(problem)]
    assert late
    assert {problem.column.rpartition("_")[2] for problem in late} == {"offset"}


def test_an_empty_cohort_is_skipped() -> None:
    assert afterwards(dataset_of(labels_of(0)), QUICK) == (
        Skipped("afterwards", LATER, "there are no cases"),
    )
    (_, found) = afterwards(dataset_of(labels_of(4), inputs=[{"labs": labs()}] * 4), QUICK)
    assert found == Skipped("afterwards", "labs", "no case has an item of it")
