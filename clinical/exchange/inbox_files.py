"""How an inbox lies on the disk: its folders and its database, made, opened and swept."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from clinical.errors import StoreError
from clinical.exchange import private_database
from clinical.exchange.private_database import Sort, transaction
from clinical.workspace import own_file, scratch

DATABASE_NAME = "inbox.sqlite"

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


def _make(connection: sqlite3.Connection) -> None:
    connection.execute(_TABLE)
    connection.execute(_INDEX)


SORT = Sort(
    "an inbox", DATABASE_NAME, application_id=0x54524942, layout=1, make=_make, overwritten=False
)


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
    except OSError as error:
        raise own_file.unwritable(root, error) from None
    connection = private_database.opened(root, SORT)
    try:
        with named(root):
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


def named(root: Path) -> AbstractContextManager[None]:
    """As `private_database.named`."""
    return private_database.named(root, SORT)


def flush_folder(place: Path) -> None:
    """Let the names in a folder outlive a power cut."""
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
