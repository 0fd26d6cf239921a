"""The same record on a PostgreSQL server: several writers, a role that can only add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from postgres_server import OWNER, WRITER, Server
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from test_crash import check_what_is_left, kill_at_random
from waiting import SECONDS

from clinical.audit import heads, keys, ledger, retention, rotation
from clinical.audit.verify import verify
from clinical.case.case import input_digest
from clinical.errors import StoreError
from clinical.review.decisions import decide
from clinical.workspace import store
from clinical.workspace.database import grant, open_workspace, writing
from clinical.workspace.place import place_of
from pipelines.cli import main


@pytest.fixture(scope="module")
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def owned(server: Server, keys_folder: Path) -> Iterator[Engine]:
    engine = open_workspace(server.workspace(OWNER, keys_folder), create=True)
    grant(engine, WRITER)
    yield engine
    engine.dispose()


@pytest.fixture
def workspace(owned: Engine, server: Server, keys_folder: Path) -> Iterator[Engine]:
    """As the role that records."""
    engine = open_workspace(server.workspace(WRITER, keys_folder))
    yield engine
    engine.dispose()


def test_a_case_is_assessed_decided_signed_and_verified(workspace: Engine, example: Any) -> None:
    digest, assessment = example.recorded(workspace)
    decide(workspace, replace(example.decision(digest), comment="Not convinced. Ünïcode ✓"))
    rotation.rotate(workspace)
    with writing(workspace) as connection:
        kept = heads.sign_now(connection)
    with workspace.connect() as connection:
        verdict = verify(connection, known=kept)
        assert (verdict.intact, verdict.events, verdict.signed) == (True, 4, 4), verdict
        assert store.latest_assessment(connection, "case-1") == (digest, assessment)
        kept_case = store.get_case(connection, "case-1")
    assert input_digest(kept_case) == input_digest(example.case())
    example.recorded(workspace, example.case(note="Another note."))  # put again, as on SQLite
    with workspace.connect() as connection:
        assert verify(connection, known=kept).intact


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'mallory'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE tree_heads SET root = 'x'",
        "DELETE FROM tree_heads",
    ],
)
def test_nobody_changes_the_ledger(workspace: Engine, owned: Engine, statement: str) -> None:
    with writing(workspace) as connection:
        ledger.append(connection, "OPENED", actor="a", payload={})
    with writing(workspace) as connection, pytest.raises(DatabaseError, match="permission denied"):
        connection.execute(text(statement))
    with writing(owned) as connection, pytest.raises(DatabaseError, match="append-only"):
        connection.execute(text(statement))


def test_the_database_refuses_an_event_that_does_not_follow(workspace: Engine) -> None:
    with writing(workspace) as connection:
        ledger.append(connection, "OPENED", actor="a", payload={})
    forged = (
        "INSERT INTO events SELECT sequence + {step}, time, actor, kind, case_id, payload,"
        " {previous}, repeat('f', 64) FROM events ORDER BY sequence DESC LIMIT 1"
    )
    for step, previous in ((2, "hash"), (1, "repeat('e', 64)")):
        statement = text(forged.format(step=step, previous=previous))
        with writing(workspace) as connection, pytest.raises(DatabaseError, match="append-only"):
            connection.execute(statement)


def test_a_reader_sees_one_moment_and_cannot_write(workspace: Engine) -> None:
    with writing(workspace) as connection:
        ledger.append(connection, "OPENED", actor="a", payload={})
    with workspace.connect() as reading:
        before = ledger.head(reading)
        with writing(workspace) as connection:
            ledger.append(connection, "OPENED", actor="a", payload={})
        assert ledger.head(reading) == before
        with pytest.raises(DatabaseError, match="read-only"):
            reading.execute(text("UPDATE ledger_head SET sequence = 0"))


def test_the_role_that_records_may_not_purge_and_its_owner_may(
    workspace: Engine, owned: Engine, example: Any
) -> None:
    digest, _ = example.recorded(workspace, example.case("leaving"))
    example.recorded(workspace, example.case("staying"))
    decide(workspace, example.decision(digest, case_id="leaving", comment="Leave me out."))
    with workspace.connect() as connection:
        before = ledger.head(connection)
    with pytest.raises(StoreError, match="may not delete") as caught:
        retention.purge(workspace, ["leaving"], because="erasure", actor="system")
    assert caught.value.remedy == "purge as the owner of the database."
    with workspace.connect() as connection:
        assert ledger.head(connection) == before
        assert store.get_case(connection, "leaving")
    (event,) = retention.purge(owned, ["leaving"], because="erasure", actor="system")
    assert len(event.payload["comments"]) == 1
    with workspace.connect() as connection:
        verdict = verify(connection)
        assert (verdict.intact, verdict.purged) == (True, (event.sequence,)), verdict
        with pytest.raises(StoreError):
            store.get_case(connection, "leaving")
        assert store.get_case(connection, "staying").inputs["image"]
    example.recorded(workspace, example.case("leaving"))  # the role goes on, and it may come again
    with workspace.connect() as connection:
        assert verify(connection).intact


def test_what_cannot_be_opened_is_one_message(server: Server, keys_folder: Path) -> None:
    server.run("CREATE DATABASE empty")
    nowhere = "postgresql+psycopg://owner@/none?host=/nowhere"
    for address, words in (
        (server.url(OWNER, "empty"), "holds no workspace"),
        (server.url(OWNER, "none"), "refused the connection or did not answer"),
        (nowhere, "refused the connection or did not answer"),
    ):
        with pytest.raises(StoreError, match=words):
            open_workspace(place_of(address, keys_folder))
    with pytest.raises(StoreError, match="no workspace that this role may open or make"):
        open_workspace(server.workspace(WRITER, keys_folder, "empty"), create=True)


def test_the_commands_take_an_address(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.run("CREATE DATABASE other")
    place = ["--workspace", server.url(OWNER, "other"), "--keys", str(tmp_path)]
    assert main(["audit", "create", *place, "--grant", WRITER], {}) == 0
    place[1] = server.url(WRITER, "other")
    assert main(["audit", "export", *place, "--out", str(tmp_path / "out")], {}) == 0
    assert main(["audit", "sign", *place, "--out", str(tmp_path / "head.json")], {}) == 0
    kept = ["--head", str(tmp_path / "head.json")]
    assert main(["audit", "verify", *place, *kept], {}) == 0
    assert "intact: 1 events" in capsys.readouterr().out
    long_ago = ["--older-than", "1", "--dry-run"]
    assert main(["audit", "purge", *place, *long_ago], {}) == 0
    assert "would remove 0 cases" in capsys.readouterr().out
    parted = ["--out", str(tmp_path / "d.zip"), "--de-identified"]
    assert main(["audit", "export", *place, *parted], {}) == 0
    assert main(["audit", "create", "--workspace", str(tmp_path / "w"), "--grant", "x"], {}) == 1
    assert "has no database roles" in capsys.readouterr().err


def test_a_page_outlives_a_restart_of_the_server(workspace: Engine, server: Server) -> None:
    """A connection that waited in the pool is replaced; one that breaks at work is one message."""
    others = "FROM pg_stat_activity WHERE usename = 'writer'"
    with workspace.connect() as connection:
        before = ledger.head(connection)
    ended = f"SELECT pg_terminate_backend(pid, {round(1000 * SECONDS)}) {others}"  # and waits
    assert "t" in server.run(ended)
    with workspace.connect() as connection:
        assert ledger.head(connection) == before
        server.run(ended)
        with pytest.raises(StoreError, match="did not answer"):
            ledger.head(connection)


def test_a_role_that_is_not_there_is_given_nothing(owned: Engine) -> None:
    with pytest.raises(StoreError, match="refused this grant"):
        grant(owned, "nobody of that name")


def crash(server: Server, folder: Path, kills: int, seed: int) -> int:
    server.run("DROP DATABASE IF EXISTS crash")
    server.run("CREATE DATABASE crash")
    keys_folder, acknowledged = folder / "keys", folder / "acknowledged"
    for made in (keys_folder, acknowledged):
        made.mkdir()
    owned = open_workspace(server.workspace(OWNER, keys_folder, "crash"), create=True)
    grant(owned, WRITER)
    owned.dispose()
    place = server.workspace(WRITER, keys_folder, "crash")
    kill_at_random(place, acknowledged, kills, seed)
    assert len(keys.present(keys_folder)) == 1
    return check_what_is_left(place, acknowledged)


def test_a_few_killed_writers_lose_nothing_on_a_server(server: Server, tmp_path: Path) -> None:
    assert crash(server, tmp_path, kills=8, seed=3) > 4


@pytest.mark.slow
def test_two_hundred_killed_writers_lose_nothing_on_a_server(
    server: Server, tmp_path: Path
) -> None:
    events = crash(server, tmp_path, kills=200, seed=4)
    print(f"  200 writers killed on PostgreSQL, {events} events, none lost, no fork, no duplicate")
