"""The append-only ledger: canonical JSON events in one SHA-256 chain.

Each event names the hash of the event before it. Its own hash is the SHA-256 of the canonical JSON
of {sequence, time, actor, kind, case_id, payload, previous}; see docs/ledger.md. The ledger holds
pseudonyms, codes and digests; never a patient's name, a measured value or free text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, cast, get_args

from sqlalchemy import Connection, Dialect, Row, func, insert, select, update

from clinical import canonical
from clinical.audit import heads, leaves, verifier
from clinical.case.assessment import AuditEvent, EventKind
from clinical.errors import LedgerError
from clinical.workspace.database import is_writing
from clinical.workspace.layout import EVENTS, HEAD, NO_HASH

KINDS: tuple[str, ...] = get_args(EventKind)
_KINDS = frozenset(KINDS)

# Made once: at every append, making them would cost more than the database takes.
_END = (
    select(EVENTS.c.sequence, EVENTS.c.hash, EVENTS.c.time)
    .order_by(EVENTS.c.sequence.desc())
    .limit(1)
)
_HEAD = select(HEAD.c.sequence, HEAD.c.hash)
_MOVE = update(HEAD)


class Head(NamedTuple):
    """Where the ledger ends: number and hash of its last event, (0, 64 zeros) if it is empty."""

    sequence: int
    hash: str


EMPTY = Head(0, NO_HASH)


class Entry(NamedTuple):
    """What an event is to say (`append`)."""

    kind: EventKind
    actor: str
    payload: Mapping[str, Any]
    case_id: str = ""
    time: datetime | None = None


def append(
    connection: Connection,
    kind: EventKind,
    *,
    actor: str,
    case_id: str = "",
    payload: Mapping[str, Any],
    time: datetime | None = None,
) -> AuditEvent:
    """Append one event inside the caller's `database.writing` transaction.

    Where a signed head is due (`clinical.audit.heads`), it is signed in the same transaction.

    Args:
        connection: from `clinical.workspace.database.writing`; the event commits or rolls back with
        it.
        kind: what happened.
        actor: account name, or "system".
        case_id: pseudonym of the case, or "" where the event is about more than one.
        payload: JSON-compatible; digests and codes only.
        time: when it happened, with time zone; now if left out. An event is never dated before the
            one that it follows: clocks of several machines differ, and people think while they
            decide.

    Raises:
        LedgerError: if the event is not well formed, the ledger does not end where its head says
            (its tail was cut, or somebody wrote past Triptych), the last event is dated later than
            the clock here, or a signed head is due and the key cannot be used. Nothing is written
            then.
    """
    (row,) = _appended(connection, [Entry(kind, actor, payload, case_id, time)])
    return _event(row)


def append_all(connection: Connection, entries: Iterable[Entry]) -> int:
    """Append many events at once, with the heads that are due on the way: as `append` of each, in
    a fifth of the time. Those without a time have that of the call.

    Returns:
        How many there were.

    Raises:
        LedgerError: as `append`. What was written before the entry that is refused is for the
            caller to roll back.
    """
    return sum(1 for _ in _appended(connection, entries))


def transcribe(
    connection: Connection,
    kind: EventKind,
    *,
    actor: str,
    case_id: str = "",
    payload: Mapping[str, Any],
    time: datetime,
) -> AuditEvent:
    """Append one event to a copy whose times follow no clock, and which nothing signs.

    Args and errors as of `append`.
    """
    last, _ = _end_for(connection)
    entry = Entry(kind, actor, payload, case_id, time)
    row, _ = _next(last, entry, _checked(entry), heads.written(time))
    _put(connection, [row])
    _move(connection, last, Head(row.sequence, row.hash))
    return _event(row)


def _end_for(connection: Connection) -> tuple[Head, str]:
    """The end of the ledger and the time of its last event, for whoever may append."""
    if not is_writing(connection):
        raise LedgerError(
            "An event can only be appended inside a write transaction.",
            remedy="use `with clinical.workspace.database.writing(engine) as connection`.",
        )
    return _sound_end(connection)


class _Row(NamedTuple):
    """An event as its row in the table."""

    sequence: int
    time: str
    actor: str
    kind: str
    case_id: str
    payload: str
    previous: str
    hash: str


def _appended(connection: Connection, entries: Iterable[Entry]) -> Iterator[_Row]:
    """Append entries one after another; each row is given before it is written."""
    begin, latest = _end_for(connection)
    last, clock = begin, datetime.now(UTC)
    now, limit = heads.written(clock), heads.written(clock + verifier.AHEAD)
    block = heads.Block(connection, begin.sequence)
    waiting: list[_Row] = []
    for entry in entries:
        if entry.time is None and latest > limit:
            raise LedgerError(
                f"The last event is dated {latest[:16]}, the clock of this computer says"
                f" {now[:16]}.",
                remedy="set the clock; if it is right, run `triptych audit verify`.",
            )
        payload = _checked(entry)
        latest = max(latest, heads.written(entry.time) if entry.time else now)
        due = block.is_due(entry.kind, latest)
        row, content = _next(last, entry, payload, latest)
        last = Head(row.sequence, row.hash)
        waiting.append(row)
        block.grow(content)
        yield row
        if due:
            _put(connection, waiting)
            waiting.clear()
            block.sign(latest)
    _put(connection, waiting)
    if last != begin:
        _move(connection, begin, last)


def _checked(entry: Entry) -> str:
    """The canonical text of the payload of an entry that is well formed.

    Raises:
        LedgerError: if it is not.
    """
    kind, actor, payload, _, moment = entry
    if kind not in _KINDS:
        raise LedgerError(f"{kind!r} is not a kind of event.", remedy=f"use one of {KINDS}.")
    if not actor.strip():
        raise LedgerError("An event needs an actor.", remedy='give an account name, or "system".')
    if moment is not None and moment.tzinfo is None:
        raise LedgerError("The time of an event needs a time zone.", remedy="give it in UTC.")
    try:
        return canonical.text(dict(payload))
    except (TypeError, ValueError):
        raise _not_json() from None


def _not_json() -> LedgerError:
    return LedgerError(
        "The event holds a value that canonical JSON cannot represent.",
        remedy="use text, finite numbers, booleans, lists and objects only.",
    )


def _next(last: Head, entry: Entry, payload: str, time: str) -> tuple[_Row, bytes]:
    """The row of the event after `last`, and its `leaves.content`."""
    kind, actor, _, case_id, _ = entry
    fields = (last.sequence + 1, time, actor, kind, case_id, payload, last.hash)
    try:
        content = leaves.content_of(*fields)
    except UnicodeEncodeError:  # half a character
        raise _not_json() from None
    return _Row(*fields, canonical.sha256(content)), content


def _put(connection: Connection, rows: list[_Row]) -> None:
    """Write events that follow one another."""
    if not rows:
        return
    statement, named = _insert_of(connection.dialect)
    if named:
        connection.exec_driver_sql(statement, [row._asdict() for row in rows])
    else:
        connection.exec_driver_sql(statement, list(rows))


@cache
def _insert_of(dialect: Dialect) -> tuple[str, bool]:
    """The driver's own statement for one event, since what SQLAlchemy does to each row of a block
    would take longer than the database; and whether its parameters have names."""
    compiled = insert(EVENTS).compile(dialect=dialect)
    return str(compiled), compiled.positiontup is None


def _move(connection: Connection, before: Head, end: Head) -> None:
    """Let the head row name the last event."""
    moved = {"sequence": end.sequence, "hash": end.hash}
    if before == EMPTY:
        connection.execute(insert(HEAD), {"only": 1, **moved})
    else:
        connection.execute(_MOVE, moved)


def _event(row: _Row) -> AuditEvent:
    fields = row._asdict()
    return AuditEvent(**{**fields, "payload": json.loads(row.payload)})


def event_hash(fields: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of an event's fields, all but its own hash."""
    return canonical.sha256(leaves.content(fields))


def as_json(event: AuditEvent) -> dict[str, Any]:
    """The exported form of an event: every field, in reading order."""
    return {
        "sequence": event.sequence,
        "time": event.time,
        "actor": event.actor,
        "kind": event.kind,
        "case_id": event.case_id,
        "payload": dict(event.payload),
        "previous": event.previous,
        "hash": event.hash,
    }


def head(connection: Connection) -> Head:
    """What the head row says; `EMPTY` before the first event."""
    row = connection.execute(_HEAD).one_or_none()
    return Head(row.sequence, row.hash) if row else EMPTY


def holds(connection: Connection, known: Head) -> bool:
    """Whether the ledger still has the event that a head noted earlier names."""
    query = select(EVENTS.c.hash).where(EVENTS.c.sequence == known.sequence)
    return known == EMPTY or connection.execute(query).scalar_one_or_none() == known.hash


def events(
    connection: Connection,
    *,
    case_id: str | None = None,
    kind: EventKind | None = None,
    after: int = 0,
) -> Iterator[AuditEvent]:
    """The events in order, all or those of one case or kind. Nothing is verified here.

    Args:
        connection: reads the workspace.
        case_id, kind: only events of this case, of this kind.
        after: only events with a higher sequence number.

    Raises:
        LedgerError: at an event whose payload is not a JSON object.
    """
    query = select(EVENTS).order_by(EVENTS.c.sequence).limit(leaves.PAGE)
    if case_id is not None:
        query = query.where(EVENTS.c.case_id == case_id)
    if kind is not None:
        query = query.where(EVENTS.c.kind == kind)
    while rows := connection.execute(query.where(EVENTS.c.sequence > after)).all():
        yield from map(event_of, rows)
        after = rows[-1].sequence


def case_ids(connection: Connection) -> list[str]:
    """Every case that an event is about, by case_id."""
    named = select(EVENTS.c.case_id).where(EVENTS.c.case_id != "").distinct()
    return list(connection.execute(named.order_by(EVENTS.c.case_id)).scalars())


def first_of(connection: Connection, case_id: str) -> int:
    """Number of the first event of a case, which stays that for ever; 0 if it has none."""
    query = select(func.min(EVENTS.c.sequence)).where(EVENTS.c.case_id == case_id)
    return connection.execute(query).scalar_one() or 0


def cases_like(connection: Connection, beginning: str) -> list[str]:
    """Cases that events are about and whose names begin so, each once, in order."""
    query = select(EVENTS.c.case_id).where(EVENTS.c.case_id.startswith(beginning, autoescape=True))
    return sorted(connection.execute(query.distinct()).scalars())


def added(connection: Connection, most: int) -> list[AuditEvent]:
    """The events by which somebody added or corrected a case on the page, the newest first."""
    query = (
        select(EVENTS)
        .where(EVENTS.c.kind == "IMPORTED", EVENTS.c.payload.like('%"added":"%'))
        .order_by(EVENTS.c.sequence.desc())
        .limit(most)
    )
    return [event_of(row) for row in connection.execute(query)]


def case_of(connection: Connection, sequence: int) -> str:
    """The case whose first event has this number, or "" if there is none."""
    query = select(EVENTS.c.case_id).where(EVENTS.c.sequence == sequence)
    found = connection.execute(query).scalar_one_or_none() or ""
    return found if found and first_of(connection, found) == sequence else ""


def actors(connection: Connection, *, kinds: Sequence[EventKind]) -> list[str]:
    """Account names in events of these kinds, each once, in order."""
    query = select(EVENTS.c.actor).where(EVENTS.c.kind.in_(kinds)).distinct()
    return sorted(connection.execute(query).scalars())


def _sound_end(connection: Connection) -> tuple[Head, str]:
    """The last event, which has to be the one that the head names, and its time."""
    row = connection.execute(_END).one_or_none()
    last = Head(row.sequence, row.hash) if row else EMPTY
    if last != head(connection):
        # Appending here would move the head and so hide a cut tail for ever.
        raise LedgerError(
            f"The ledger ends at event {last.sequence}, which does not match its head.",
            remedy="run `triptych audit verify`; restore the workspace from a backup.",
        )
    # A time that was spoiled says nothing; verification names it.
    return last, row.time if row and verifier.MOMENT.fullmatch(row.time) else ""


def event_of(row: Row[Any]) -> AuditEvent:
    """A row of the table as an event.

    Raises:
        LedgerError: if its payload is not a JSON object.
    """
    try:
        payload = json.loads(row.payload)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise LedgerError(
            f"The payload of event {row.sequence} is not a JSON object.",
            remedy="run `triptych audit verify`.",
        )
    return AuditEvent(
        row.sequence,
        row.time,
        row.actor,
        cast(EventKind, row.kind),
        row.case_id,
        payload,
        row.previous,
        row.hash,
    )
