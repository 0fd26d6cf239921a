"""How a chart lies on the disk: its folder of films and its database, made and opened."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from clinical.errors import StoreError
from clinical.exchange.inbox_files import BUSY_SECONDS, flush_folder, transaction
from clinical.workspace import own_file, scratch

DATABASE_NAME = "chart.sqlite"
FILMS = "films"
APPLICATION_ID = 0x54524943  # "TRIC": SQLite keeps it in the file header.
LAYOUT = 1

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


def opened(root: Path) -> sqlite3.Connection:
    """The database of the chart in the folder of an inbox, made if there is none.

    Raises:
        StoreError: if it cannot be used, or is of a newer version.
    """
    database = root / DATABASE_NAME
    try:
        (root / FILMS).mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, own_file.MODE))
    except OSError as error:
        raise own_file.unwritable(root, error) from None
    connection = sqlite3.connect(
        database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        with named(root):
            _lay_out(connection, root)
    except StoreError:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, root: Path) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    with transaction(connection):
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not found and not tables:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("INSERT INTO secret VALUES (1, ?)", (secrets.token_bytes(32),))
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {LAYOUT}")
        elif found != APPLICATION_ID:
            raise StoreError(
                f"{root / DATABASE_NAME} is a database, but not a chart.",
                remedy="choose another folder.",
            )
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout != LAYOUT:
        raise StoreError(
            f"The chart in {root} has layout {layout}, this version of Triptych reads {LAYOUT}.",
            remedy="open it with the version of Triptych that made it.",
        )


def film(root: Path, digest: str) -> Path:
    """Where the bytes of a film are."""
    return root / FILMS / digest[:2] / digest


def keep_only(root: Path, digests: Container[str]) -> None:
    """Remove the bytes of all other films; nobody may be keeping one meanwhile."""
    for place in (root / FILMS).glob("??/*"):
        if place.name not in digests:
            place.unlink()


def keep_film(root: Path, digest: str, file: Path) -> None:
    """Keep the bytes of a film; returns when they would outlive a power cut."""
    place = film(root, digest)
    if place.exists():
        return
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


@contextmanager
def named(root: Path) -> Iterator[None]:
    """An error of the database or the disk as a sentence, without what was to be written."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The chart in {root} cannot be used ({error}).",
            remedy="check the free space of its disk and that its files are whole and yours;"
            " nothing was changed.",
        ) from None
