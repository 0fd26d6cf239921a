"""The inbox: what hospital systems sent, safe on disk before anyone is told that it arrived.

A folder for its owner only, with one file for each object, named by its SHA-256, and one SQLite
database that says what came, from whom, and what became of it:

    inbox.sqlite    one row for each object, in order of arrival
    objects/ab/...  the bytes
    coming/         objects that are being written

`keep` writes the bytes, flushes them to the disk, and only then, in one write transaction, gives
them their name and their row. What a killed process leaves is therefore either unfinished, in
`coming`, or has a name and no row; nobody was told that it arrived, and `open_inbox` removes it.
Several threads and processes may use one inbox at the same time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Literal, cast

from clinical.errors import StoreError
from clinical.exchange import inbox_files, private_database
from clinical.exchange.private_database import transaction
from clinical.workspace import own_file, scratch

Kind = Literal["dicom", "hl7", "fhir"]
State = Literal["waiting", "done", "set aside"]

KEEP_FREE = 2 * 1024**3
"""Bytes of the disk that arrivals leave free unless told otherwise."""

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Arrival:
    """One object that is safe on disk.

    Attributes:
        number: 1, 2, 3, ... in order of arrival; a number is never given twice.
        kind: which reader understands it.
        digest: SHA-256 of its bytes, in hexadecimal.
        size: bytes.
        sender: who sent it first, as the road in names its senders; never a patient.
        received_at: UTC.
        state: when it was asked for.
    """

    number: int
    kind: Kind
    digest: str
    size: int
    sender: str
    received_at: datetime
    state: State


@dataclass(frozen=True)
class SetAside:
    """An object that became nothing; `reason` holds nothing of a patient, because it is logged."""

    arrival: Arrival
    reason: str


@dataclass(frozen=True)
class Tally:
    """How many objects are in each state, and for which reasons some were set aside.

    `received` counts all since the inbox was made, also those that were removed.
    """

    received: int
    waiting: int
    done: int
    set_aside: dict[str, int]
    oldest_waiting: datetime | None

    @property
    def removed(self) -> int:
        """Objects that were removed because a case or a patient was purged."""
        return self.received - self.waiting - self.done - sum(self.set_aside.values())


class Inbox:
    """An open inbox; made by `open_inbox`."""

    def __init__(self, root: Path, connection: sqlite3.Connection, keep_free: int) -> None:
        self.root = root
        self.keep_free = keep_free
        self._connection = connection
        self._lock = threading.RLock()

    def keep(self, kind: Kind, data: bytes | Path, sender: str) -> Arrival:
        """Keep one object; returns when it would outlive a power cut, and not before.

        The same bytes of the same kind again are the arrival that they were: kept once, whatever
        became of it.

        Args:
            kind: which reader understands it.
            data: its bytes, or a file that holds them, which stays where it is.
            sender: who sent it, for example an AE title and an address.

        Raises:
            StoreError: if the disk has no room, or refuses; nothing was kept then.
            OSError: if the file that is given cannot be read.
        """
        self.room(data.stat().st_size if isinstance(data, Path) else len(data))
        with scratch.part(self.root / "coming" / "object") as part:
            digest, size = _written(part, data)
            with self._writing() as connection:
                known = _known(connection, kind, digest)
                if known is None or known.state != "done":
                    self._place(part, digest)
                if known is not None:
                    return known
                return _entered(connection, (kind, digest, size, sender))

    def new_file(self) -> IO[bytes]:
        """A file for what is arriving, which whoever asked for it removes once it is closed.

        One that is left, because a process was killed, is swept. That may happen as soon as it is
        closed, so that it may be gone already when it is to be removed.

        Raises:
            StoreError: if it cannot be made.
        """
        with own_file.named(self.root):
            file = NamedTemporaryFile(  # noqa: SIM115
                prefix=scratch.PART, dir=self.root / "coming", delete=False
            )
            fcntl.flock(file, fcntl.LOCK_EX)
            return cast(IO[bytes], file)

    def waiting(self) -> tuple[Arrival, ...]:
        """What nobody has dealt with yet, in order of arrival."""
        return tuple(arrival for arrival, _ in self._in_state("waiting"))

    def set_aside_list(self) -> tuple[SetAside, ...]:
        """What was set aside and why, in order of arrival."""
        return tuple(SetAside(arrival, why) for arrival, why in self._in_state("set aside"))

    def path(self, arrival: Arrival) -> Path:
        """Where the bytes of an object are; for reading only."""
        return _place_of(self.root, arrival.digest)

    def done(self, arrival: Arrival, what: str) -> None:
        """Record what an object became, for example of which case it is part."""
        self._settle(arrival, "done", what)

    def set_aside(self, arrival: Arrival, reason: str) -> None:
        """Record why an object became nothing; the reason holds nothing of a patient."""
        self._settle(arrival, "set aside", reason)

    def wait_again(self, arrival: Arrival) -> None:
        """Let an object wait once more, in its old place, for example after a rule was changed."""
        self._settle(arrival, "waiting", "")

    def remove(self, arrival: Arrival) -> None:
        """Remove an object for good, for example because its patient is to be forgotten.

        The same bytes, sent again, are a new arrival.
        """
        with self._writing() as connection:
            row = (arrival.number, arrival.digest)
            connection.execute("DELETE FROM arrivals WHERE number = ? AND digest = ?", row)
            (left,) = connection.execute(
                "SELECT count(*) FROM arrivals WHERE digest = ?", row[1:]
            ).fetchone()
            if not left:  # before the end of the transaction, or it could be kept again meanwhile
                self.path(arrival).unlink(missing_ok=True)

    def settled(self) -> Iterator[Arrival]:
        """What became something or nothing, in order of arrival; others may arrive meanwhile."""
        yield from (arrival for arrival, _ in self._in_state("done"))
        yield from (arrival for arrival, _ in self._in_state("set aside"))

    def of_digests(self, digests: Iterable[str]) -> tuple[Arrival, ...]:
        """The objects with these SHA-256, in order of arrival."""
        with self._reading() as connection:
            rows = [
                row
                for digest in sorted(set(digests))
                for row in connection.execute(
                    "SELECT * FROM arrivals WHERE kind IN ('dicom', 'hl7', 'fhir') AND digest = ?",
                    (digest,),
                )
            ]
        return tuple(sorted(map(_arrival, rows), key=lambda arrival: arrival.number))

    def scrub(self) -> None:
        """Leave no byte of what was removed in the database or its log.

        Raises:
            StoreError: if another program uses the file in a way that hinders it.
        """
        with self._lock:
            private_database.scrub(self._connection, self.root, inbox_files.SORT)

    def tally(self) -> Tally:
        """What is in the inbox, in numbers."""
        with self._reading() as connection:
            states = dict(
                connection.execute("SELECT state, count(*) FROM arrivals GROUP BY state").fetchall()
            )
            reasons = connection.execute(
                "SELECT outcome, count(*) FROM arrivals WHERE state = 'set aside'"
                " GROUP BY outcome ORDER BY outcome"
            ).fetchall()
            ever = connection.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'arrivals'"
            ).fetchone()
            oldest = connection.execute(
                "SELECT min(received_at) FROM arrivals WHERE state = 'waiting'"
            ).fetchone()[0]
        return Tally(
            received=ever[0] if ever else 0,
            waiting=states.get("waiting", 0),
            done=states.get("done", 0),
            set_aside=dict(reasons),
            oldest_waiting=datetime.fromisoformat(oldest) if oldest else None,
        )

    def free(self) -> int:
        """Bytes that its disk has free."""
        return shutil.disk_usage(self.root).free

    def room(self, size: int = 0) -> int:
        """Bytes that its disk has free, if that is enough.

        Args:
            size: of what is about to be kept.

        Raises:
            StoreError: if less than `keep_free` would be left.
        """
        free = self.free()
        if free - size < self.keep_free:
            raise StoreError(
                f"The disk of the inbox {self.root} has {free:,} bytes free; "
                f"{self.keep_free:,} are to stay free.",
                remedy="make room there; senders will try again.",
            )
        return free

    def close(self) -> None:
        """Close the database; what was kept is kept."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Inbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _place(self, part: Path, digest: str) -> None:
        """Give finished bytes their name, inside a write transaction: the sweep relies on that."""
        place = _place_of(self.root, digest)
        if not place.parent.exists():
            place.parent.mkdir(mode=0o700)
            inbox_files.flush_folder(place.parent.parent)
        if not place.exists():
            part.replace(place)
            inbox_files.flush_folder(place.parent)

    def _in_state(self, state: State) -> list[tuple[Arrival, str]]:
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT * FROM arrivals WHERE state = ? ORDER BY number", (state,)
            ).fetchall()
        return [(_arrival(row), row[-1]) for row in rows]

    def _settle(self, arrival: Arrival, state: State, outcome: str) -> None:
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE arrivals SET state = ?, outcome = ? WHERE number = ? AND digest = ?",
                (state, outcome, arrival.number, arrival.digest),
            ).rowcount
            if not changed:
                raise StoreError(f"The inbox {self.root} has no arrival {arrival.number}.")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, inbox_files.named(self.root):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with (
            self._lock,
            inbox_files.named(self.root),
            transaction(self._connection),
        ):
            yield self._connection


def open_inbox(root: Path, *, keep_free: int = KEEP_FREE) -> Inbox:
    """Open the inbox in a folder, or make one in a folder that is new or empty.

    What a killed process left unfinished is removed.

    Args:
        root: its folder.
        keep_free: bytes of the disk that arrivals leave free.

    Raises:
        StoreError: if the folder cannot be used, holds something else, or holds an inbox of a newer
            version.
    """
    connection = inbox_files.opened(root)
    return Inbox(root, connection, keep_free)


def _known(connection: sqlite3.Connection, kind: Kind, digest: str) -> Arrival | None:
    row = connection.execute(
        "SELECT * FROM arrivals WHERE kind = ? AND digest = ?", (kind, digest)
    ).fetchone()
    return _arrival(row) if row else None


def _entered(connection: sqlite3.Connection, row: tuple[Kind, str, int, str]) -> Arrival:
    kind, digest, size, sender = row
    now = datetime.now(UTC)
    number = connection.execute(
        "INSERT INTO arrivals (kind, digest, size, sender, received_at) VALUES (?, ?, ?, ?, ?)",
        (*row, now.isoformat(timespec="microseconds")),
    ).lastrowid
    if number is None:
        raise StoreError("The inbox gave an arrival no number.")
    return Arrival(number, kind, digest, size, sender, now, "waiting")


def _arrival(row: tuple[int, Kind, str, int, str, str, State, str]) -> Arrival:
    number, kind, digest, size, sender, at, state, _ = row
    return Arrival(number, kind, digest, size, sender, datetime.fromisoformat(at), state)


def _written(part: Path, data: bytes | Path) -> tuple[str, int]:
    """Write an object whole and flush it to the disk; its SHA-256 and its size."""
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        for block in _blocks(data):
            digest.update(block)
            size += file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size


def _blocks(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as source:
        while block := source.read(_BLOCK):
            yield block


def _place_of(root: Path, digest: str) -> Path:
    return root / "objects" / digest[:2] / digest
