"""Who waits to write has the next turn, however eager the one is who writes."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine
from waiting import until

from clinical.audit import ledger
from clinical.errors import StoreError
from clinical.workspace import turn
from clinical.workspace.database import folder_of, writing


@pytest.fixture
def folder(workspace: Engine) -> Path:
    with workspace.connect() as connection:
        return folder_of(connection)


def somebody_waits(folder: Path) -> bool:
    """Whether the first place of the queue is taken."""
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(place)
    return False


def write(engine: Engine, actor: str) -> None:
    with writing(engine) as connection:
        ledger.append(connection, "OPENED", actor=actor, payload={})


def test_who_waited_writes_before_who_has_just_written(workspace: Engine, folder: Path) -> None:
    with ThreadPoolExecutor(1) as other:
        for number in range(5):
            with writing(workspace) as connection:
                ledger.append(connection, "OPENED", actor="eager", payload={})
                waiting = other.submit(write, workspace, f"patient {number}")
                until(lambda: somebody_waits(folder), "the other in the queue")
            write(workspace, "eager again")  # at once: nothing lies between the two
            waiting.result()
    with workspace.connect() as connection:
        actors = [event.actor for event in ledger.events(connection)]
    assert actors == [
        who for number in range(5) for who in ("eager", f"patient {number}", "eager again")
    ]


def test_nobody_waits_for_ever(
    workspace: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "BUSY_SECONDS", 0.0)
    with (
        ThreadPoolExecutor(1) as other,
        writing(workspace),
        pytest.raises(StoreError, match="database is locked"),
    ):
        other.submit(write, workspace, "late").result()
    assert not somebody_waits(folder)
    write(workspace, "after")


def test_a_process_that_was_forked_while_one_waits_does_not_keep_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[int] = []  # what a forked process has open, without forking one
    lock = fcntl.flock

    def copying(at: int, how: int) -> None:
        copies.append(os.dup(at))
        lock(at, how)

    monkeypatch.setattr(fcntl, "flock", copying)
    with closing(sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)) as connection:
        turn.begin(connection)
    monkeypatch.undo()
    assert copies
    assert not somebody_waits(tmp_path)
    for copy in copies:
        os.close(copy)


def test_a_folder_that_cannot_be_locked_hinders_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(at: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with closing(sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)) as connection:
        turn.begin(connection)
        assert connection.in_transaction
