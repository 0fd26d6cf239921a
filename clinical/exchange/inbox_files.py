"""How an inbox lies on the disk: its folders and its database, made, opened and swept."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clinical.errors import StoreError
from clinical.workspace import own_file, scratch

DATABASE_NAME = "inbox.sqlite"
APPLICATION_ID = 0x54524942  # "TRIB": SQLite keeps it in the file header.
LAYOUT = 1
BUSY_SECONDS = 30.0

_LONG_AGO = 3600.0
"""Seconds after which a file that was made and not begun never will be."""
_TABLE = """
    CREATE TABLE arrivals (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        digest TEXT NOT NULL,
        size INTEGER NOT NULL,
        sender TEXT NOT NULL,
        received_at TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        outcome TEXT NOT NULL DEFAULT '',
        UNIQUE (kind, digest)
    )"""
_INDEX = "CREATE INDEX arrivals_by_state ON arrivals (state, number)"


def opened(root: Path) -> sqlite3.Connection:
    """The database of the inbox in a folder, made if the folder is new or empty, and swept.

    Raises:
        StoreError: as `inbox.open_inbox`.
    """
    database = root / DATABASE_NAME
    if not database.is_file() and root.is_dir() and any(root.iterdir()):
        raise StoreError(
            f"{root} is not empty and holds no inbox.", remedy="give a new folder for the inbox."
        )
    try:
        _make_folders(root)
        os.close(os.open(database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, own_file.MODE))
    except OSError as error:
        raise own_file.unwritable(root, error) from None
    connection = sqlite3.connect(
        database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        with named(root):
            _lay_out(connection, root)
            _sweep(connection, root)
    except StoreError:
        connection.close()
        raise
    return connection


def _make_folders(root: Path) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    root.chmod(0o700)
    for name in ("coming", "objects"):
        (root / name).mkdir(mode=0o700, exist_ok=True)
    flush_folder(root)


def _lay_out(connection: sqlite3.Connection, root: Path) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    with transaction(connection):
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not found and not tables:
            connection.execute(_TABLE)
            connection.execute(_INDEX)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        elif found != APPLICATION_ID:
            raise StoreError(
                f"{root / DATABASE_NAME} is a database, but not of an inbox.",
                remedy="choose another folder.",
            )
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout != LAYOUT:
        raise StoreError(
            f"The inbox {root} has layout {layout}, this version of Triptych reads {LAYOUT}.",
            remedy="open it with the version of Triptych that made it.",
        )


def _sweep(connection: sqlite3.Connection, root: Path) -> None:
    """Remove what was never acknowledged: unfinished objects, and finished ones without a row.

    Rows and names are given in one write transaction, so that inside another one no process that
    lives has an object without a row.
    """
    scratch.sweep_parts(root / "coming")  # but for empty ones, which may be another's just begun
    for place in (root / "coming").iterdir():
        with suppress(FileNotFoundError):
            found = place.stat()
            if not found.st_size and found.st_mtime < time.time() - _LONG_AGO:
                place.unlink()
    with transaction(connection):
        rows = connection.execute("SELECT digest FROM arrivals")
        known = {digest for (digest,) in rows}
        for place in (root / "objects").glob("??/*"):
            if place.name not in known:
                place.unlink()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction, which no other process can begin at the same time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def named(root: Path) -> Iterator[None]:
    """An error of the database or the disk as a sentence, without what was to be written."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The inbox {root} cannot be used ({error}).",
            remedy="check the free space of its disk and that its files are whole and yours;"
            " nothing was changed.",
        ) from None
    except OSError as error:
        raise own_file.unwritable(root, error) from None


def flush_folder(place: Path) -> None:
    """Let the names in a folder outlive a power cut."""
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
