"""The chart: what is known so far of each patient of whom something arrived, safe on disk.

    chart.sqlite    messages, films, which patients have to be looked at again, what was decided
    films/ab/...    the films themselves, by SHA-256

Both stand in the folder of the inbox, for its owner only. What is put here is never changed: the
same message again changes nothing, a correction stands beside what it corrects
(`clinical.exchange.known`), and a message and the note that its patient has to be looked at again
are one transaction, so that a process that is killed anywhere goes on where it was.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
import threading
from base64 import b32encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from clinical.dicom.identity import Identity
from clinical.errors import StoreError
from clinical.exchange import chart_files, private_database
from clinical.exchange.facts import PatientIdentifier, Told
from clinical.exchange.known import Film, Heard, Known, told_as_json, told_from_json
from clinical.exchange.private_database import transaction

NAME_LETTERS = 10  # of 5 bits: a million cases meet by chance once in 2,000 hospitals


@dataclass(frozen=True)
class Step:
    """One decision about a case.

    Attributes:
        time: when.
        case_id: the case.
        what: "made", "versioned", "waits", "left out", "noted" or "purged".
        words: why, in words without a value, a name or a number of a patient.
        event: hash of the event of the ledger that recorded it, or "".
    """

    time: datetime
    case_id: str
    what: str
    words: str
    event: str = ""


@dataclass(frozen=True)
class Purge:
    """A case, or a whole patient, whose data are to be removed wherever they are.

    Attributes:
        place: in the order in which they were asked for; 0 for one that is not kept yet.
        case_id: the case; "" for all cases of the patient, and all else that is known of them.
        patient: as cases carry it; of a case "" where that is not known any more.
        because: a key of `retention.BECAUSE`.
        actor: who asked for it.
        told: the ledger has its event already.
    """

    place: int
    case_id: str
    patient: str
    because: str
    actor: str
    told: bool = False


class Chart:
    """An open chart; made by `open_chart`. Threads take turns."""

    def __init__(self, root: Path, connection: sqlite3.Connection) -> None:
        self.root = root
        self._connection = connection
        self._lock = threading.RLock()
        (self._secret,) = connection.execute("SELECT value FROM secret").fetchone()

    def hear(self, message: str, told: Told, sender: str, arrived: datetime) -> bool:
        """Keep what a message says of one person; False where it is known already."""
        numbers = {n.value.strip() for n in _numbers(told)} - {""}
        body = json.dumps(told_as_json(told), ensure_ascii=False)
        with self._writing() as connection:
            new = connection.execute(
                "INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?)",
                (message, sender, _text(arrived), body),
            ).rowcount
            connection.executemany(
                "INSERT OR IGNORE INTO numbers VALUES (?, ?)", [(n, message) for n in numbers]
            )
            if new:
                _put_due(connection, numbers, arrived)
        return bool(new)

    def see(self, film: Film, file: Path) -> bool:
        """Keep a film and what its header says; False where it is known already.

        Raises:
            StoreError: if there is no room for it.
        """
        chart_files.keep_film(self.root, film.digest, file)
        number = film.number.value.strip()
        identity = json.dumps(asdict(film.identity), ensure_ascii=False)
        with self._writing() as connection:
            new = connection.execute(
                "INSERT OR IGNORE INTO films VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(film.digest, number, film.identity.instance),
                    *(film.sender, _text(film.arrived), identity),
                ),
            ).rowcount
            if new:
                _put_due(connection, {number}, film.arrived)
        return bool(new)

    def known(self, number: str) -> Known:
        """All in which a patient's number occurs, and the numbers that were merged with it.

        Of a film that was sent again under another number, that other patient is part of it.
        """
        heard: dict[str, Heard] = {}
        films: dict[str, Film] = {}
        numbers, seen = {number}, set[str]()
        with self._reading() as connection:
            while further := numbers - seen:
                seen |= further
                for one in sorted(further):
                    heard |= _heard(connection, one, heard)
                    films |= _films(connection, one)
                merges = [merge for h in heard.values() for merge in h.told.merges]
                numbers |= {n.value.strip() for m in merges for n in (m.kept, m.retired)}
                numbers |= {film.number.value.strip() for film in films.values()}
                numbers.discard("")
        return Known(
            tuple(sorted(heard.values(), key=lambda h: (h.arrived, h.message))),
            tuple(sorted(films.values(), key=lambda f: (f.arrived, f.digest))),
        )

    def film_file(self, film: Film) -> Path:
        """Where the bytes of a film are; for reading only."""
        return chart_files.film(self.root, film.digest)

    def due(self, now: datetime) -> tuple[str, ...]:
        """Numbers of the patients who have to be looked at by now, the longest waiting first."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT number FROM due WHERE at <= ? ORDER BY at, number", (_text(now),)
            ).fetchall()
        return tuple(number for (number,) in rows)

    def next_due(self) -> datetime | None:
        """When the next patient has to be looked at, or None."""
        with self._reading() as connection:
            (at,) = connection.execute("SELECT min(at) FROM due").fetchone()
        return datetime.fromisoformat(at) if at else None

    def settle(self, number: str, steps: Iterable[Step], again: datetime | None) -> None:
        """Record what was decided for a patient, and when to look again; None: at the next news.

        What one event of the ledger recorded is one step, however often it is told; so is what is
        told again right after itself.
        """
        with self._writing() as connection:
            for step in steps:
                if not _is_told(connection, step):
                    connection.execute(
                        "INSERT INTO trail (time, case_id, what, words, event)"
                        " VALUES (?, ?, ?, ?, ?)",
                        (_text(step.time), step.case_id, step.what, step.words, step.event),
                    )
            connection.execute("DELETE FROM due WHERE number = ?", (number,))
            if again is not None:
                connection.execute("INSERT INTO due VALUES (?, ?)", (number, _text(again)))

    def forget(self, before: datetime) -> int:
        """Remove what arrived before a moment, but for the trail; how many messages and films.

        Cases that were made of it stay as they are in the workspace.
        """
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM numbers WHERE message IN"
                " (SELECT message FROM messages WHERE arrived < ?)",
                (_text(before),),
            )
            gone = connection.execute("DELETE FROM messages WHERE arrived < ?", (_text(before),))
            films = connection.execute("DELETE FROM films WHERE arrived < ?", (_text(before),))
            rows = connection.execute("SELECT digest FROM films").fetchall()
        chart_files.keep_only(self.root, {digest for (digest,) in rows})
        return gone.rowcount + films.rowcount

    def ask_purge(self, purge: Purge) -> None:
        """Keep what is to be removed, until `end_purge`; returns when that outlives a power cut."""
        row = (purge.case_id, purge.patient, purge.because, purge.actor)
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO purges (case_id, patient, because, actor) VALUES (?, ?, ?, ?)", row
            )

    def purges(self) -> tuple[Purge, ...]:
        """What is to be removed still, in the order in which it was asked for."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT place, case_id, patient, because, actor, told FROM purges ORDER BY place"
            ).fetchall()
        return tuple(
            Purge(place, case_id, patient, because, actor, bool(told))
            for place, case_id, patient, because, actor, told in rows
        )

    def told_purge(self, purge: Purge) -> None:
        """Note that the ledger has the event of a purge."""
        with self._writing() as connection:
            connection.execute("UPDATE purges SET told = 1 WHERE place = ?", (purge.place,))

    def end_purge(self, purge: Purge) -> None:
        """Forget a purge that was carried out."""
        with self._writing() as connection:
            connection.execute("DELETE FROM purges WHERE place = ?", (purge.place,))

    def remove(
        self, messages: Iterable[str], films: Iterable[str], emptied: Iterable[str] = ()
    ) -> None:
        """Remove messages and films for good, and that a patient is due who is not known any more.

        Of what is to be emptied only whom it is about and what it merges stays.

        A kill in between leaves rows of films that are gone; the same call ends it.
        """
        films = tuple(films)
        with self._writing() as connection:
            chart_files.remove_films(self.root, films)
            for message in messages:
                connection.execute("DELETE FROM messages WHERE message = ?", (message,))
                connection.execute("DELETE FROM numbers WHERE message = ?", (message,))
            connection.executemany(
                "UPDATE messages SET told = json_set(told, '$.facts', json('[]'))"
                " WHERE message = ?",
                [(message,) for message in emptied],
            )
            connection.executemany("DELETE FROM films WHERE digest = ?", [(d,) for d in films])
            connection.execute(
                "DELETE FROM due WHERE number NOT IN (SELECT value FROM numbers)"
                " AND number NOT IN (SELECT number FROM films)"
            )

    def scrub(self) -> None:
        """Leave no byte of what was removed in the database or its log.

        Raises:
            StoreError: if another program uses the file in a way that hinders it.
        """
        with self._lock:
            private_database.scrub(self._connection, self.root, chart_files.SORT)

    def objects(self) -> set[str]:
        """SHA-256 of every object that the chart knows."""
        with self._reading() as connection:
            rows = connection.execute("SELECT message FROM messages UNION SELECT digest FROM films")
            return {name.partition(":")[0] for (name,) in rows}

    def numbers_of_films(self) -> tuple[str, ...]:
        """The numbers of all patients of whom there is a film."""
        with self._reading() as connection:
            rows = connection.execute("SELECT DISTINCT number FROM films ORDER BY number")
            return tuple(number for (number,) in rows)

    def trail(self, case_id: str = "", most: int = 1000) -> tuple[Step, ...]:
        """What was decided, of one case or of all, the oldest first; the last `most` of it."""
        query = "SELECT time, case_id, what, words, event FROM trail"
        query += " WHERE case_id = ?" if case_id else ""
        query += " ORDER BY place DESC LIMIT ?"
        with self._reading() as connection:
            rows = connection.execute(query, (case_id, most) if case_id else (most,)).fetchall()
        return tuple(Step(datetime.fromisoformat(time), *rest) for time, *rest in reversed(rows))

    def case_name(self, key: str) -> str:
        """The name of the case with this key, always the same; nobody can tell the key from it."""
        digest = hmac.digest(self._secret, key.encode(), "sha256")
        return RECEIVED + b32encode(digest).decode().lower()[:NAME_LETTERS]

    def sealed(self, data: bytes) -> str:
        """A digest by which this chart knows `data` again, and from which nobody can try them."""
        return hmac.digest(self._secret, b"\0" + data, "sha256").hex()[:32]

    def close(self) -> None:
        """Close the database; what was kept is kept."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Chart:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, chart_files.named(self.root):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, chart_files.named(self.root), transaction(self._connection):
            yield self._connection


RECEIVED = "received-"
"""What the names of cases begin with that were put together from what arrived."""


def open_chart(root: Path) -> Chart:
    """Open the chart in the folder of an inbox, or make one there.

    Raises:
        StoreError: if it cannot be used, or is of a newer version.
    """
    return Chart(root, chart_files.opened(root))


def open_existing_chart(root: Path) -> Chart:
    """Open the chart in the folder of an inbox.

    Raises:
        StoreError: if there is none, or it cannot be used.
    """
    if not (root / chart_files.DATABASE_NAME).is_file():
        raise StoreError(
            f"Nothing was ever put together in {root}.",
            remedy="start `triptych receive` with --workspace first.",
        )
    return open_chart(root)


def _numbers(told: Told) -> Iterator[PatientIdentifier]:
    yield from told.person.identifiers if told.person else ()
    for merge in told.merges:
        yield from (merge.kept, merge.retired)


def _put_due(connection: sqlite3.Connection, numbers: Iterable[str], at: datetime) -> None:
    connection.executemany(
        "INSERT INTO due VALUES (?, ?)"
        " ON CONFLICT (number) DO UPDATE SET at = min(at, excluded.at)",
        [(number, _text(at)) for number in numbers],
    )


def _heard(connection: sqlite3.Connection, number: str, known: Iterable[str]) -> dict[str, Heard]:
    rows = connection.execute(
        "SELECT messages.* FROM messages JOIN numbers USING (message) WHERE value = ?", (number,)
    )
    before = set(known)
    return {
        message: Heard(
            message, sender, datetime.fromisoformat(arrived), told_from_json(json.loads(told))
        )
        for message, sender, arrived, told in rows
        if message not in before
    }


def _is_told(connection: sqlite3.Connection, step: Step) -> bool:
    if step.event:
        query = "SELECT 1 FROM trail WHERE case_id = ? AND event = ?"
        return bool(connection.execute(query, (step.case_id, step.event)).fetchone())
    query = "SELECT what, words FROM trail WHERE case_id = ? ORDER BY place DESC LIMIT 1"
    last = connection.execute(query, (step.case_id,)).fetchone()
    return bool(last == (step.what, step.words))


def _films(connection: sqlite3.Connection, number: str) -> dict[str, Film]:
    rows = connection.execute(
        "SELECT digest, sender, arrived, identity FROM films"
        " WHERE instance IN (SELECT instance FROM films WHERE number = ?)",
        (number,),
    )
    return {
        digest: Film(
            digest, sender, datetime.fromisoformat(arrived), Identity(**json.loads(identity))
        )
        for digest, sender, arrived, identity in rows
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
