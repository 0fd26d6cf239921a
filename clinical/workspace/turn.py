"""Whose turn it is to write to a database in a folder.

SQLite has no queue. Who finds the database locked sleeps and looks again, up to 100 ms later, and a
program that writes one transaction after the other has the lock back long before that: of four such
programs three wrote nothing for as long as the fourth was at work, and gave up after
`BUSY_SECONDS`. So whoever wants to write waits in a queue in front of the database, and who has
just written comes behind those that wait. A server queues by itself.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

BUSY_SECONDS = 30.0
"""How long a writer waits for the one before it."""

_LOOK_MS = 8  # the first of the queue looks after 1, 2 and 5 ms, and begins again


def begin(connection: sqlite3.Connection) -> None:
    """Begin a write transaction as soon as it is this program's turn.

    Args:
        connection: to a database in a file, in no transaction yet.

    Raises:
        sqlite3.Error: if whoever writes now has not ended after `BUSY_SECONDS`, or the database
            cannot be written.
    """
    until = time.monotonic() + BUSY_SECONDS
    (_, _, file), *_ = connection.execute("PRAGMA database_list")
    with _first(Path(file).parent), _looking_often(connection):
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > until:
                    raise


@contextmanager
def _first(folder: Path) -> Iterator[None]:
    """The first place of the queue, which whoever begins to write leaves to the next.

    It is a lock on the folder itself, so there is no file that could be left over or copied. It
    ends with the process, however that ends. Where the folder cannot be locked nobody queues.
    """
    with ExitStack() as left:
        with suppress(OSError):
            place = os.open(folder, os.O_RDONLY)
            left.callback(os.close, place)
            fcntl.flock(place, fcntl.LOCK_EX)
            left.callback(fcntl.flock, place, fcntl.LOCK_UN)  # a forked process has it open, too
        yield


@contextmanager
def _looking_often(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute(f"PRAGMA busy_timeout = {_LOOK_MS}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
