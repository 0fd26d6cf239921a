"""How much came since an event: counts for who is signed in, and nothing for anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_fixture
from front_door import COOKIE, HERE, PASSWORD, enter
from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clinical.access import accounts
from clinical.audit import ledger
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing
from ui.access import session
from ui.host import arrivals, door
from ui.host.door import Door


@pytest.fixture
def engine(workspace: Path) -> Iterator[Engine]:
    made = open_workspace(workspace)
    yield made
    session.end_all(made)
    made.dispose()


@pytest.fixture
def client(engine: Engine) -> TestClient:
    """A browser in which dr.first is signed in."""
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    entrance = Door(engine, COOKIE, idle=900)
    app = Starlette(routes=[*door.routes(entrance), *arrivals.routes(engine, entrance)])
    made = TestClient(app, HERE, follow_redirects=False)
    enter(made)
    return made


def head(engine: Engine) -> int:
    with engine.connect() as connection:
        return ledger.head(connection).sequence


def test_new_cases_are_counted_and_a_new_assessment_of_an_old_one_is_not(
    client: TestClient, engine: Engine
) -> None:
    before = head(engine)
    for number in (1, 41, 42):
        case = reading_fixture.make_case(number)
        with writing(engine) as connection:
            made = reading_fixture.make_assessment(case)
            intake.record_assessment(connection, case, made, "system")
    answer = client.post(f"/arrivals?since={before}")
    assert answer.json() == {"cases": 2, "adjudicated": 0}
    assert answer.headers["cache-control"] == "no-store"
    assert client.post(f"/arrivals?since={head(engine)}").json() == {"cases": 0, "adjudicated": 0}


@pytest.mark.parametrize("since", ["", "-1", "1.0", "x", "9" * 13, "٣"])
def test_what_is_no_number_of_an_event_is_refused(client: TestClient, since: str) -> None:
    assert client.post("/arrivals", params={"since": since}).status_code == 403


def test_nobody_else_is_told_anything(client: TestClient) -> None:
    client.cookies.clear()
    assert client.post("/arrivals?since=0").status_code == 403


def test_asking_keeps_no_session_alive(client: TestClient) -> None:
    (found,) = session._live.values()
    client.post("/arrivals?since=0")
    assert session._live[next(iter(session._live))].seen == found.seen


def test_in_a_demonstration_everybody_is_one_reader(engine: Engine) -> None:
    app = Starlette(routes=arrivals.routes(engine, None, "dr.demo"))
    answer = TestClient(app, HERE).post("/arrivals?since=0")
    assert answer.json() == {"cases": 12, "adjudicated": 0}
