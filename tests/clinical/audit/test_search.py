"""Looking through the ledger: newest first, by who, what, which case and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from clinical.audit import ledger, search
from clinical.audit.search import Guesses, Sought
from clinical.errors import LedgerError
from clinical.workspace.database import writing

START = datetime(2031, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def connection(workspace: Engine) -> Iterator[Connection]:
    """Eight events, an hour apart: alice opens even cases, bob exports."""
    with writing(workspace) as writer:
        for hour in range(8):
            bob = hour % 2 == 1
            ledger.append(
                writer,
                "EXPORTED" if bob else "OPENED",
                actor="bob" if bob else "alice",
                case_id="" if bob else f"C{hour}",
                payload={},
                time=START + timedelta(hours=hour),
            )
    with workspace.connect() as reader:
        yield reader


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("sought", "sequences"),
    [
        (Sought(), [8, 7, 6, 5, 4, 3, 2, 1]),
        (Sought(actor="bob"), [8, 6, 4, 2]),
        (Sought(kinds=("OPENED",)), [7, 5, 3, 1]),
        (Sought(kinds=("OPENED", "EXPORTED"), actor="alice"), [7, 5, 3, 1]),
        (Sought(case_id="C4"), [5]),
        (Sought(since=START + timedelta(hours=6)), [8, 7]),
        (Sought(until=START + timedelta(hours=1)), [1]),
        (Sought(actor="alice", since=START, until=START + timedelta(hours=3)), [3, 1]),
        (Sought(actor="nobody"), []),
    ],
)
def test_what_is_found(connection: Connection, sought: Sought, sequences: list[int]) -> None:
    found = search.newest(connection, sought, limit=100)

    assert [event.sequence for event in found] == sequences
    assert search.count(connection, sought) == len(sequences)


@pytest.mark.both_databases
def test_pages_follow_each_other(connection: Connection) -> None:
    pages = [search.newest(connection, Sought(), limit=3, skip=skip) for skip in (0, 3, 6)]

    assert [[e.sequence for e in page] for page in pages] == [[8, 7, 6], [5, 4, 3], [2, 1]]


def test_a_time_of_another_zone_is_the_same_moment(connection: Connection) -> None:
    from datetime import timezone

    tokyo = (START + timedelta(hours=7)).astimezone(timezone(timedelta(hours=9)))
    assert search.count(connection, Sought(since=tokyo)) == 1


@pytest.mark.both_databases
def test_who_was_refused_many_times(workspace: Engine) -> None:
    """Wrong passwords count, also after a sign-in that succeeded; what a role may not, does not."""
    wrong, forbidden = {"what": "sign_in", "why": "password"}, {"what": "audit", "why": "role"}
    refused = [("ann", wrong)] * 3 + [("bob", forbidden)] * 5 + [("unknown name", wrong)] * 4
    with writing(workspace) as writer:
        for minute, (actor, payload) in enumerate(refused):
            at = START + timedelta(minutes=minute)
            ledger.append(writer, "REFUSED", actor=actor, payload=payload, time=at)
            ledger.append(writer, "SIGNED_IN", actor=actor, payload={}, time=at)
    with workspace.connect() as connection:
        found = search.guesses(connection, START, least=3)
        later = search.guesses(connection, START + timedelta(minutes=1), least=3)
    assert found == [
        Guesses("unknown name", 4, "2031-03-04T12:11:00.000000+00:00"),
        Guesses("ann", 3, "2031-03-04T12:02:00.000000+00:00"),
    ]
    assert later == found[:1]


@pytest.mark.both_databases
def test_everybody_who_did_something(connection: Connection) -> None:
    assert search.actors(connection) == ["alice", "bob"]


def test_an_event_that_is_no_object_is_named(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TRIGGER events_no_update")
    connection.exec_driver_sql("UPDATE events SET payload = '7' WHERE sequence = 3")
    with pytest.raises(LedgerError, match="event 3"):
        search.newest(connection, Sought(), limit=100)
