"""How a chart lies on the disk: its folder of films and its database, made and opened."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Container, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

from clinical.errors import StoreError
from clinical.exchange import private_database
from clinical.exchange.inbox_files import flush_folder
from clinical.exchange.private_database import Sort
from clinical.workspace import scratch

DATABASE_NAME = "chart.sqlite"
FILMS = "films"

_TABLES = (
    "CREATE TABLE secret (only INTEGER PRIMARY KEY CHECK (only = 1), value BLOB NOT NULL)",
    """CREATE TABLE messages (
        message TEXT PRIMARY KEY, sender TEXT NOT NULL, arrived TEXT NOT NULL, told TEXT NOT NULL
    )""",
    """CREATE TABLE numbers (
        value TEXT NOT NULL, message TEXT NOT NULL, PRIMARY KEY (value, message)
    ) WITHOUT ROWID""",
    """CREATE TABLE films (
        digest TEXT PRIMARY KEY, number TEXT NOT NULL, instance TEXT NOT NULL, sender TEXT NOT NULL,
        arrived TEXT NOT NULL, identity TEXT NOT NULL
    )""",
    "CREATE INDEX films_by_number ON films (number)",
    "CREATE INDEX films_by_instance ON films (instance)",
    "CREATE TABLE due (number TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE trail (
        place INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, case_id TEXT NOT NULL,
        what TEXT NOT NULL, words TEXT NOT NULL, event TEXT NOT NULL
    )""",
    "CREATE INDEX trail_by_case ON trail (case_id, place)",
)
_PURGES = """CREATE TABLE purges (
        place INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL, patient TEXT NOT NULL,
        because TEXT NOT NULL, actor TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0
    )"""


def _make(connection: sqlite3.Connection) -> None:
    for statement in (*_TABLES, _PURGES):
        connection.execute(statement)
    connection.execute("INSERT INTO secret VALUES (1, ?)", (secrets.token_bytes(32),))


def _add_purges(connection: sqlite3.Connection) -> None:
    connection.execute(_PURGES)


SORT = Sort(
    "a chart",
    DATABASE_NAME,
    application_id=0x54524943,
    layout=2,
    make=_make,
    raised={1: _add_purges},
)


def opened(root: Path) -> sqlite3.Connection:
    """The database of the chart in the folder of an inbox, made if there is none.

    Raises:
        StoreError: if it cannot be used, or is of a newer version.
    """
    connection = private_database.opened(root, SORT)
    try:
        with named(root):
            (root / FILMS).mkdir(mode=0o700, exist_ok=True)
    except StoreError:
        connection.close()
        raise
    return connection


def film(root: Path, digest: str) -> Path:
    """Where the bytes of a film are."""
    return root / FILMS / digest[:2] / digest


def remove_films(root: Path, digests: Iterable[str]) -> None:
    """Remove the bytes of films; one that is gone already is no fault."""
    for digest in digests:
        film(root, digest).unlink(missing_ok=True)


def keep_only(root: Path, digests: Container[str]) -> None:
    """Remove the bytes of all other films; nobody may be keeping one meanwhile."""
    for place in (root / FILMS).glob("??/*"):
        if place.name not in digests:
            place.unlink()


def keep_film(root: Path, digest: str, file: Path) -> None:
    """Keep the bytes of a film; returns when they would outlive a power cut.

    Raises:
        StoreError: if the disk refuses.
        OSError: if the file that is given cannot be read.
    """
    place = film(root, digest)
    if place.exists():
        return
    with file.open("rb"), named(root):
        _keep(place, file)


def _keep(place: Path, file: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        # The inbox has it on the disk already; a second name costs nothing.
        os.link(file, place)
    except FileExistsError:
        return
    except OSError:
        with scratch.part(place) as part:
            shutil.copyfile(file, part)
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(place)
    flush_folder(place.parent)
    flush_folder(place.parent.parent)


def named(root: Path) -> AbstractContextManager[None]:
    """As `private_database.named`."""
    return private_database.named(root, SORT)
