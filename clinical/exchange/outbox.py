"""The outbox: what is to be delivered, safe on disk until the receiver says that it has it.

One SQLite file in a folder for its owner only. What was put in stays through kills and power cuts;
for each destination it is delivered in the order in which it was put, one after the other, so that
a correction never overtakes what it corrects. What is not taken now waits, twice as long each time;
what a receiver will never take is set aside with the reason and lets the next one pass. Bytes are
removed from the file once they are delivered; their digest stays.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from clinical.errors import StoreError
from clinical.exchange import private_database
from clinical.exchange.private_database import Sort, named, transaction

State = Literal["waiting", "delivered", "set aside"]

DATABASE_NAME = "outbox.sqlite"
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)

_TABLES = (
    """
    CREATE TABLE parcels (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        destination TEXT NOT NULL,
        case_id TEXT NOT NULL,
        reading TEXT NOT NULL,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        put_at TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        tries INTEGER NOT NULL DEFAULT 0,
        next_at TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        data BLOB,
        UNIQUE (destination, digest)
    ) STRICT""",
    """
    CREATE VIEW told AS
        SELECT number, destination, case_id, reading, name, digest, state, tries, next_at, reason
        FROM parcels""",
    "CREATE INDEX parcels_by_state ON parcels (state, destination, number)",
    "CREATE TABLE bookmark (sequence INTEGER NOT NULL) STRICT",
    "INSERT INTO bookmark VALUES (0)",
)


def _make(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)


# Bytes of a patient that were delivered are overwritten.
SORT = Sort("an outbox", DATABASE_NAME, application_id=0x54524F42, layout=1, make=_make)


@dataclass(frozen=True)
class Parcel:
    """One thing to deliver.

    Attributes:
        number: 1, 2, 3, ... in the order in which they were put.
        destination: name of where it goes.
        case_id, reading: of what case, and `Reading.digest`.
        name: what it is, such as "report".
        digest: SHA-256 of its bytes.
        state: when it was asked for.
        tries: how often it was tried.
        next_at: not before this.
        reason: why it was not taken the last time, or "".
    """

    number: int
    destination: str
    case_id: str
    reading: str
    name: str
    digest: str
    state: State
    tries: int
    next_at: datetime
    reason: str


class Outbox:
    """An open outbox; made by `open_outbox`."""

    def __init__(
        self, root: Path, connection: sqlite3.Connection, now: Callable[[], datetime]
    ) -> None:
        self.root = root
        self.now = now
        self._connection = connection
        self._lock = threading.RLock()

    def put(
        self, destination: str, case_id: str, reading: str, files: dict[str, bytes]
    ) -> tuple[Parcel, ...]:
        """Put the files of one reading, all or none; returns when they would outlive a power cut.

        What is there already for this destination, delivered or not, is not put again.
        """
        now = self.now().isoformat()
        with self._writing() as connection:
            numbers: list[int] = []
            for name, data in files.items():
                digest = hashlib.sha256(data).hexdigest()
                row = (destination, case_id, reading, name, digest, now, now, data)
                made = connection.execute(
                    "INSERT INTO parcels (destination, case_id, reading, name, digest, put_at,"
                    " next_at, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
                    " RETURNING number",
                    row,
                ).fetchone()
                numbers += made or ()
            return tuple(_parcel(_row(connection, number)) for number in numbers)

    def holds(self, destination: str, reading: str) -> bool:
        """Whether anything of a reading was ever put for a destination."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT 1 FROM parcels WHERE destination = ? AND reading = ?",
                (destination, reading),
            ).fetchone()
        return found is not None

    def next_for(self, destination: str) -> Parcel | None:
        """The first that waits for a destination, due or not; those after it wait behind it."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT * FROM told WHERE state = 'waiting' AND destination = ?"
                " ORDER BY number LIMIT 1",
                (destination,),
            ).fetchone()
        return _parcel(row) if row else None

    def data(self, parcel: Parcel) -> bytes:
        """Its bytes.

        Raises:
            StoreError: if it was delivered or the file was changed.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT data FROM parcels WHERE number = ?", (parcel.number,)
            ).fetchone()
        data: bytes | None = row[0] if row else None
        if data is None or hashlib.sha256(data).hexdigest() != parcel.digest:
            raise StoreError(
                f"The outbox {self.root} does not hold parcel {parcel.number} any more."
            )
        return data

    def delivered(self, parcel: Parcel) -> None:
        """The receiver has it; its bytes are removed."""
        self._settle(parcel, "delivered", keep=False)

    def set_aside(self, parcel: Parcel, reason: str) -> None:
        """The receiver will not take it; the next one passes."""
        self._settle(parcel, "set aside", reason=reason)

    def cases(self) -> tuple[str, ...]:
        """The cases of which there are bytes, delivered or not."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT case_id FROM parcels WHERE data IS NOT NULL ORDER BY case_id"
            ).fetchall()
        return tuple(case_id for (case_id,) in rows)

    def count(self, case_id: str) -> int:
        """How many parcels of a case there are bytes of."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT count(*) FROM parcels WHERE case_id = ? AND data IS NOT NULL", (case_id,)
            ).fetchone()
        return int(row[0])

    def forget_case(self, case_id: str, reason: str) -> None:
        """Nothing of a case is to be delivered any more; its bytes are removed."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE parcels SET state = 'set aside', reason = ?, data = NULL"
                " WHERE case_id = ? AND data IS NOT NULL",
                (reason, case_id),
            )

    def scrub(self) -> None:
        """Leave no byte of what was removed in the file or its log.

        Raises:
            StoreError: if another program uses the file in a way that hinders it.
        """
        with self._lock:
            private_database.scrub(self._connection, self.root, SORT)

    def later(self, parcel: Parcel, reason: str) -> None:
        """Not now: it waits twice as long as before, and everything behind it too."""
        wait = min(FIRST_WAIT * 2 ** min(parcel.tries, 20), LONGEST_WAIT)
        self._settle(parcel, "waiting", next_at=self.now() + wait, reason=reason)

    def again(self) -> int:
        """Let all that was set aside wait once more, in their old places; how many they are."""
        now = self.now().isoformat()
        with self._writing() as connection:
            return connection.execute(
                "UPDATE parcels SET state = 'waiting', tries = 0, next_at = ?"
                " WHERE state = 'set aside' AND data IS NOT NULL",
                (now,),
            ).rowcount

    def listed(self, state: State) -> tuple[Parcel, ...]:
        """Everything in one state, in order."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT * FROM told WHERE state = ? ORDER BY number", (state,)
            ).fetchall()
        return tuple(map(_parcel, rows))

    @property
    def bookmark(self) -> int:
        """How far the ledger was looked through for readings to deliver."""
        with self._reading() as connection:
            return int(connection.execute("SELECT sequence FROM bookmark").fetchone()[0])

    def turn_to(self, sequence: int) -> None:
        """Put the bookmark behind an event."""
        with self._writing() as connection:
            connection.execute("UPDATE bookmark SET sequence = ?", (sequence,))

    def close(self) -> None:
        """Close the database; what was put is kept."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _settle(
        self,
        parcel: Parcel,
        state: State,
        *,
        next_at: datetime | None = None,
        reason: str = "",
        keep: bool = True,
    ) -> None:
        due = (next_at or parcel.next_at).isoformat()
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE parcels SET state = ?, next_at = ?, reason = ?, tries = tries + 1,"
                " data = CASE WHEN ? THEN data END"
                " WHERE number = ? AND digest = ? AND state = 'waiting'",
                (state, due, reason, keep, parcel.number, parcel.digest),
            ).rowcount
            if not changed and not _is_forgotten(connection, parcel):
                raise StoreError(
                    f"Parcel {parcel.number} of the outbox {self.root} does not wait any more.",
                    remedy="let only one process send from an outbox.",
                )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, named(self.root, SORT):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, named(self.root, SORT), transaction(self._connection):
            yield self._connection


def open_outbox(root: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Outbox:
    """Open the outbox in a folder, or make one there.

    Args:
        root: its folder.
        now: the clock.

    Raises:
        StoreError: if the folder cannot be used, or holds something else or one of a newer version.
    """
    return Outbox(root, private_database.opened(root, SORT), now)


def _is_forgotten(connection: sqlite3.Connection, parcel: Parcel) -> bool:
    """Whether its case was purged by another process while it was on its way."""
    row = connection.execute(
        "SELECT 1 FROM parcels WHERE number = ? AND state = 'set aside' AND data IS NULL",
        (parcel.number,),
    ).fetchone()
    return row is not None


def _row(connection: sqlite3.Connection, number: int) -> tuple[Any, ...]:
    found: tuple[Any, ...] = connection.execute(
        "SELECT * FROM told WHERE number = ?", (number,)
    ).fetchone()
    return found


def _parcel(row: tuple[Any, ...]) -> Parcel:
    number, destination, case_id, reading, name, digest, state, tries, due, reason = row
    next_at = datetime.fromisoformat(due)
    return Parcel(
        number, destination, case_id, reading, name, digest, state, tries, next_at, reason
    )
