"""Is the ledger whole, and does the store still hold what the ledger says it holds?

Three things are checked, in this order, and the first that fails is named:
the chain (every event follows the one before it and has the hash it should have), the end (the
last event is the one the head names, and an earlier head that the caller kept is still in place),
and the store (each assessment, its case and each comment still have the digests recorded).
docs/ledger.md says what this can and cannot show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import OperationalError

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.ledger import EMPTY, Head
from clinical.database import ASSESSMENTS, CASES, COMMENTS, EVENTS

CONTENT = "time, actor, kind, case_id or payload"


@dataclass(frozen=True)
class Verdict:
    """What verification found.

    Attributes:
        intact: nothing wrong was found.
        events: number of events read before the first fault, or of all events.
        head: hash of the last of them (64 zeros if there is none).
        first_broken: sequence number of the first event that is wrong or missing, or None.
        reason: one sentence; what was checked, or what is wrong at `first_broken`.
    """

    intact: bool
    events: int
    head: str
    first_broken: int | None
    reason: str


class _Broken(Exception):
    """A finding on its way up; never leaves this module."""

    def __init__(self, sequence: int, reason: str) -> None:
        super().__init__(reason)
        self.sequence = sequence
        self.reason = reason


def verify(connection: Connection, *, known: Head | None = None) -> Verdict:
    """Check the ledger and the records it vouches for.

    Args:
        connection: reads one consistent state of the workspace.
        known: a head noted earlier (each export carries one); finds a rewritten or rolled-back
            ledger, which the chain alone cannot show.
    """
    last = EMPTY
    try:
        for event in _chain(connection):
            if known and event["sequence"] == known.sequence and event["hash"] != known.hash:
                raise _Broken(
                    known.sequence, "the ledger was rewritten: the head noted earlier is not in it"
                )
            _check_store(connection, event)
            last = Head(event["sequence"], event["hash"])
        _check_end(connection, last, known)
    except _Broken as broken:
        return Verdict(False, last.sequence, last.hash, broken.sequence, broken.reason)
    reason = "every event follows the one before it, and the store holds what they name"
    return Verdict(True, last.sequence, last.hash, None, reason)


def _chain(connection: Connection) -> Iterator[dict[str, Any]]:
    """The fields of each event, checked to follow from the event before it."""
    last = EMPTY
    for row in _rows(connection):
        expected = last.sequence + 1
        if row.sequence != expected:
            raise _Broken(expected, _gap(expected, row.sequence))
        fields = _fields(row)
        _check_links(connection, fields, last)
        last = Head(expected, fields["hash"])
        yield fields


def _gap(expected: int, found: int) -> str:
    if found < 1:
        return f"an event numbered {found} stands before the first"
    return f"event {expected} is missing, event {found} comes next"


def _check_links(connection: Connection, fields: dict[str, Any], last: Head) -> None:
    number = fields["sequence"]
    right = ledger.event_hash(fields)
    if fields["previous"] != last.hash:
        if ledger.event_hash({**fields, "previous": last.hash}) == fields["hash"]:
            raise _Broken(number, "the field previous was changed")
        raise _Broken(
            number,
            "wrong previous: it does not follow the event before it (one of the two was replaced)",
        )
    if fields["hash"] == right:
        return
    follower = select(EVENTS.c.sequence).where(
        EVENTS.c.sequence == number + 1, EVENTS.c.previous == right
    )
    if connection.execute(follower).first():
        raise _Broken(number, "wrong hash: the field hash was changed")
    raise _Broken(number, f"wrong hash: a field was changed ({CONTENT})")


def _fields(row: Row[Any]) -> dict[str, Any]:
    fields = dict(row._mapping)
    for name, value in fields.items():
        if not isinstance(value, int if name == "sequence" else str):
            raise _Broken(row.sequence, f"the field {name} was changed: it has the wrong type")
    try:
        payload = json.loads(row.payload)
        whole = isinstance(payload, dict) and canonical.dumps(payload) == row.payload.encode()
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise _Broken(row.sequence, "the field payload was changed: it is not canonical JSON")
    return {**fields, "payload": payload}


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    """Rows by sequence, a page at a time; a row that SQLite cannot decode is named."""
    query = select(EVENTS).order_by(EVENTS.c.sequence)
    after: int | None = None
    size = ledger.PAGE
    while True:
        page = query if after is None else query.where(EVENTS.c.sequence > after)
        try:
            rows = connection.execute(page.limit(size)).all()
        except OperationalError:
            if size == 1:
                raise _Broken((after or 0) + 1, "a field cannot be read as text") from None
            size = 1
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1].sequence


def _check_end(connection: Connection, last: Head, known: Head | None) -> None:
    head = ledger.head(connection)
    if head.sequence > last.sequence:
        raise _Broken(
            last.sequence + 1,
            f"truncated: the ledger ends at event {last.sequence}, its head says {head.sequence}",
        )
    if head != last:
        raise _Broken(last.sequence, "the last event is not the one that the head names")
    if known and known.sequence > last.sequence:
        raise _Broken(
            last.sequence + 1,
            f"rolled back: the ledger ends at event {last.sequence}, the head noted earlier was "
            f"event {known.sequence}",
        )


def _check_store(connection: Connection, event: Mapping[str, Any]) -> None:
    payload = event["payload"]
    if event["kind"] == "ASSESSED":
        _check_assessment(connection, event["sequence"], payload.get("assessment"))
        _check_case(connection, event["sequence"], event["case_id"], payload.get("input"))
    elif event["kind"] == "IMPORTED":
        _check_case(connection, event["sequence"], event["case_id"], payload.get("input"))
    if comment := payload.get("comment"):  # whatever kind of event holds one
        _check_comment(connection, event["sequence"], comment)


def _check_assessment(connection: Connection, number: int, digest: Any) -> None:
    query = select(ASSESSMENTS.c.record).where(ASSESSMENTS.c.digest == digest)
    record = connection.execute(query).scalar_one_or_none()
    if record is None:
        raise _Broken(number, "the assessment that it names is missing from the store")
    if canonical.sha256(record.encode()) != digest:
        raise _Broken(number, "the assessment that it names was changed in the store")


def _check_case(connection: Connection, number: int, case_id: str, digest: Any) -> None:
    query = select(CASES.c.record, CASES.c.record_digest).where(
        CASES.c.case_id == case_id, CASES.c.input_digest == digest
    )
    rows = connection.execute(query).all()
    if not rows:
        raise _Broken(number, "the case that it names is missing from the store")
    for row in rows:
        if canonical.sha256(row.record.encode()) != row.record_digest:
            raise _Broken(number, "the case that it names was changed in the store")
        seen = json.loads(row.record)
        inputs = {"decision_time": seen["decision_time"], "inputs": seen["inputs"]}
        if canonical.digest(inputs) != digest:
            raise _Broken(number, "the inputs of the case that it names were changed in the store")


def _check_comment(connection: Connection, number: int, digest: str) -> None:
    row = connection.execute(select(COMMENTS).where(COMMENTS.c.digest == digest)).one_or_none()
    if row is None:
        raise _Broken(number, "the comment that it names is missing from the store")
    if canonical.digest({"salt": row.salt, "text": row.text}) != digest:
        raise _Broken(number, "the comment that it names was changed in the store")
