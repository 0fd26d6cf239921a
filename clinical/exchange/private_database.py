"""A SQLite database in a folder for its owner only, whose writes outlive a power cut.

The inbox, the chart and the outbox each are one: made where there is none, told apart from other
files by the number in its header, and with every error of the database or the disk as a sentence.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clinical.errors import StoreError
from clinical.workspace import own_file, turn
from clinical.workspace.scrubbing import scrubbed


@dataclass(frozen=True)
class Sort:
    """What a database is.

    Attributes:
        name: in sentences, with its article, such as "an inbox".
        file: its name in the folder.
        application_id: that SQLite keeps in the file header.
        layout: of its tables, which another version of Triptych may not know.
        make: makes the tables, inside a transaction.
        raised: layout to what brings a database of it to the next one, inside a transaction.
        overwritten: whether bytes that are removed are overwritten and not only unlinked.
    """

    name: str
    file: str
    application_id: int
    layout: int
    make: Callable[[sqlite3.Connection], None]
    raised: Mapping[int, Callable[[sqlite3.Connection], None]] = field(default_factory=dict)
    overwritten: bool = True

    @property
    def noun(self) -> str:
        """Its name without the article."""
        return self.name.split(" ", 1)[1]


def opened(root: Path, sort: Sort) -> sqlite3.Connection:
    """The database in a folder; both are made if they are not there.

    Raises:
        StoreError: if it cannot be used, or is something else or of another layout.
    """
    database = root / sort.file
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(database, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, own_file.MODE))
    except OSError as error:
        raise own_file.unwritable(root, error) from None
    connection = sqlite3.connect(
        database, timeout=turn.BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        with named(root, sort):
            _lay_out(connection, root, sort)
    except StoreError:
        connection.close()
        raise
    return connection


def _lay_out(connection: sqlite3.Connection, root: Path, sort: Sort) -> None:
    pragmas = ["journal_mode=WAL", "synchronous=FULL"]
    pragmas += ["secure_delete=ON"] if sort.overwritten else []
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    with transaction(connection):
        (found,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not found and not tables:
            sort.make(connection)
            connection.execute(f"PRAGMA application_id = {sort.application_id}")
            connection.execute(f"PRAGMA user_version = {sort.layout}")
        elif found != sort.application_id:
            raise StoreError(
                f"{root / sort.file} is a database, but not of {sort.name}:"
                f" it holds no {sort.noun}.",
                remedy="choose another folder.",
            )
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        while layout in sort.raised:
            sort.raised[layout](connection)
            layout += 1
            connection.execute(f"PRAGMA user_version = {layout}")
    if layout != sort.layout:
        raise StoreError(
            f"The {sort.noun} in {root} has layout {layout}, this version of Triptych reads"
            f" {sort.layout}.",
            remedy="open it with the version of Triptych that made it.",
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction, which no other process can begin at the same time."""
    turn.begin(connection)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def named(root: Path, sort: Sort) -> Iterator[None]:
    """An error of the database or the disk as a sentence, without what was to be written.

    Raises:
        StoreError: in its place.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The {sort.noun} in {root} cannot be used ({error}).",
            remedy="check the free space of its disk and that its files are whole and yours;"
            " nothing was changed.",
        ) from None
    except OSError as error:
        raise own_file.unwritable(root, error) from None


def scrub(connection: sqlite3.Connection, root: Path, sort: Sort) -> None:
    """Leave no byte of what was deleted in the file or in its write-ahead log.

    Raises:
        StoreError: if another program uses the file in a way that hinders it.
    """
    with named(root, sort):
        done = scrubbed(connection)
    if not done:
        raise StoreError(
            f"Another program is using the {sort.noun} in {root}, which may still hold bytes of"
            " what was removed.",
            remedy="stop the other program and run the same again.",
        )
