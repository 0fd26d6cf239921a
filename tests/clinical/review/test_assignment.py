"""Who reads a case: assigned by those who may, recorded, the last one stands."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from clinical.access.roles import Role
from clinical.audit import ledger, verify
from clinical.errors import ReviewError
from clinical.review import assignment, status

pytestmark = pytest.mark.both_databases


def assigned(engine: Engine, case_id: str) -> str:
    with engine.connect() as connection:
        return assignment.assigned(ledger.events(connection, case_id=case_id))


def test_the_last_assignment_stands_and_all_stay_in_the_ledger(
    workspace: Engine, example: Any
) -> None:
    example.recorded(workspace)
    for reader in ("first", "second", "second", ""):
        assignment.assign(workspace, ["case-1"], reader, actor="dr.head", role="adjudicator")

    assert assigned(workspace, "case-1") == ""
    with workspace.connect() as connection:
        past = list(ledger.events(connection, kind="ASSIGNED"))
        assert [event.payload["reader"] for event in past] == ["first", "second", ""]
        assert {event.actor for event in past} == {"dr.head"}
        assert verify.verify(connection).intact


def test_an_assigned_case_keeps_its_status(workspace: Engine, example: Any) -> None:
    example.recorded(workspace)
    with workspace.connect() as connection:
        before = status.statuses(connection)
    assignment.assign(workspace, ["case-1"], "first", actor="dr.head", role="adjudicator")
    with workspace.connect() as connection:
        assert status.statuses(connection) == before


def test_a_case_that_is_not_there_stops_the_whole_assignment(
    workspace: Engine, example: Any
) -> None:
    example.recorded(workspace)
    with pytest.raises(ReviewError, match="no assessment"):
        assignment.assign(
            workspace, ["case-1", "zzz"], "first", actor="dr.head", role="adjudicator"
        )
    assert assigned(workspace, "case-1") == ""


@pytest.mark.parametrize("role", ["reader", "auditor"])
def test_only_some_roles_assign(workspace: Engine, role: Role) -> None:
    with pytest.raises(ReviewError, match="may not assign"):
        assignment.assign(workspace, ["case-1"], "first", actor="dr.x", role=role)


@pytest.mark.parametrize(
    ("cases", "reader"), [([], "first"), (["c"], " padded"), (["c"], "x" * 101)]
)
def test_what_cannot_be_assigned(cases: list[str], reader: str) -> None:
    assert not assignment.can_assign(cases, reader, "adjudicator")
