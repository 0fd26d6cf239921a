"""The worklist's rows follow the ledger event by event, and agree with reading everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import reading_fixture
from sqlalchemy import Engine

from clinical.audit import retention
from clinical.case.shapes import Arrays
from clinical.review import assignment, intake
from clinical.workspace.database import open_workspace, writing
from ui.pages import worklist
from ui.state import caseload
from ui.state.caseload import Caseload
from ui.state.worklist_order import View


@pytest.fixture
def engine(workspace: Path) -> Iterator[Engine]:
    opened = open_workspace(workspace)
    yield opened
    opened.dispose()


def brought_up(engine: Engine, before: Caseload) -> Caseload:
    with engine.connect() as connection:
        return caseload.brought_up(connection, before)


def test_after_every_event_it_is_what_reading_everything_gives(engine: Engine) -> None:
    kept = brought_up(engine, Caseload())
    assert len(kept.rows) == 12
    new = reading_fixture.make_case(40)

    def another_case() -> None:
        with writing(engine) as connection:
            made = reading_fixture.make_assessment(new)
            intake.record_assessment(connection, new, made, "system")

    def assessed_again() -> None:
        case = reading_fixture.make_case(1)
        with writing(engine) as connection:
            made = reading_fixture.make_assessment(case, strongest=3)
            intake.record_assessment(connection, case, made, "system")

    steps = (
        lambda: intake.record_opened(engine, "CASE-001", "first"),
        lambda: assignment.assign(
            engine, ["CASE-001", "CASE-005"], "second", actor="head", role="adjudicator"
        ),
        another_case,
        assessed_again,
        lambda: retention.purge(engine, ["CASE-002"], because="erasure", actor="head"),
    )
    for step in steps:
        step()
        kept = brought_up(engine, kept)
        with engine.connect() as connection:
            whole = caseload.read(connection)
        assert kept.head == whole.head
        assert set(kept.rows) == set(whole.rows)
        assert kept.readers == whole.readers
    assert kept.readers == {"first", "second"}


def test_critical_values_are_of_the_record_whatever_assessed_it(engine: Engine) -> None:
    """Nothing of them is stored: a workspace of an older version has them too."""
    with engine.connect() as connection:
        alarms = {row.entry.case_id: row.danger.alarm for row in caseload.read(connection).rows}
    assert alarms["CASE-000"] == "now"  # a saturation of 89%
    assert alarms["CASE-007"] is None  # nothing measured


def test_patient_and_accession_numbers_are_those_of_the_record(engine: Engine) -> None:
    case = reading_fixture.make_case(42)
    films = [
        replace(film, source={"AccessionNumber": "XA-7"}) for film in case.inputs["image"].arrays
    ]
    two = Arrays((*films, replace(films[0], values=films[0].values + 1)))
    case = replace(case, inputs={**case.inputs, "image": two})
    with writing(engine) as connection:
        made = reading_fixture.make_assessment(case)
        intake.record_assessment(connection, case, made, "system")
    with engine.connect() as connection:
        rows = {row.entry.case_id: row for row in caseload.read(connection).rows}

    assert (rows["CASE-042"].patient, rows["CASE-042"].accessions) == (case.patient_id, ("XA-7",))
    assert rows["CASE-001"].accessions == ()


def test_a_history_of_age_and_sex_alone_is_not_called_present(engine: Engine) -> None:
    case = reading_fixture.make_case(41)
    person = replace(reading_fixture.history(), items=())
    case = replace(case, inputs={**case.inputs, "history": person})
    with writing(engine) as connection:
        made = reading_fixture.make_assessment(case)
        intake.record_assessment(connection, case, made, "system")
    with engine.connect() as connection:
        rows = {row.entry.case_id: row for row in caseload.read(connection).rows}

    assert rows["CASE-001"].bare == frozenset()
    assert rows["CASE-041"].bare == {"history"}
    now = reading_fixture.DECISION
    shown = str(worklist.table([rows["CASE-041"]], View(), marked=None, now=now))
    assert "history age and sex only" in shown
    assert "history present" not in shown


def test_without_a_new_event_nothing_is_read(engine: Engine) -> None:
    kept = brought_up(engine, Caseload())
    assert brought_up(engine, kept) is kept


def test_only_cases_with_new_events_are_looked_up(engine: Engine) -> None:
    before = brought_up(engine, Caseload())
    intake.record_opened(engine, "CASE-004", "first")
    after = brought_up(engine, before)

    changed = [new for old, new in zip(before.rows, after.rows, strict=True) if new is not old]
    assert [(row.entry.case_id, row.status) for row in changed] == [("CASE-004", "opened")]


def test_a_ledger_that_was_put_back_is_read_anew(engine: Engine, prepared_workspace: Path) -> None:
    intake.record_opened(engine, "CASE-004", "first")
    ahead = brought_up(engine, Caseload())
    original = open_workspace(prepared_workspace)
    back = brought_up(original, ahead)
    original.dispose()

    assert {row.status for row in back.rows} == {"unread"}
    assert back.head.sequence == ahead.head.sequence - 1
