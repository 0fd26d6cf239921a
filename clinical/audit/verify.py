"""Is the ledger intact, and does the store still hold what the ledger says it holds?

One pass over the events checks each of them in this order, and the first fault is named: the chain
(it follows the one before it and has the hash it should have), the signed head over it if there is
one (`clinical.audit.head_check`), a head that the caller kept elsewhere, and the store (each
assessment, its case and each comment still have the digests recorded, or a later event purged
them: `clinical.audit.held`). Then the end: the last event
is the one that the head row names, and no signed head reaches further.
docs/ledger.md says what this can and cannot show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import OperationalError

from clinical import canonical
from clinical.audit import head_check, held, keys, leaves, ledger
from clinical.audit.fault import Broken
from clinical.audit.head_check import Walk
from clinical.audit.heads import TreeHead
from clinical.audit.ledger import EMPTY, Head
from clinical.workspace.database import EVENTS

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
        signed: events under the last signed head that fits (0: none is signed).
        key: digest of the key that signed it, or "".
        purged: numbers of the events that removed a case from the store.
    """

    intact: bool
    events: int
    head: str
    first_broken: int | None
    reason: str
    signed: int = 0
    key: str = ""
    purged: tuple[int, ...] = ()


def verify(connection: Connection, *, known: Head | TreeHead | None = None) -> Verdict:
    """Check the ledger and the records it vouches for.

    Args:
        connection: reads one consistent state of the workspace.
        known: a head kept elsewhere (`triptych audit sign`, or an export's); finds a ledger that
            was rewritten and signed again or rolled back, which it cannot show by itself.
    """
    last, walk = EMPTY, Walk()
    purged: list[int] = []
    try:
        walk = head_check.begin(connection)
        for event, content in _chain(connection):
            walk = head_check.step(walk, event, content)
            _check_known(walk, event, known)
            held.check(connection, event)
            if event["kind"] == "PURGED":
                purged.append(event["sequence"])
            last = Head(event["sequence"], event["hash"])
        _check_end(connection, last, known)
        head_check.end(connection, walk)
    except Broken as broken:
        return _verdict(last, walk, purged, broken)
    return _verdict(last, walk, purged, None)


def _verdict(last: Head, walk: Walk, purged: Sequence[int], broken: Broken | None) -> Verdict:
    reason = "every event follows the one before it, and the store holds what they name"
    if purged:
        reason += f", but for {len(purged)} cases that were purged"
    return Verdict(
        intact=broken is None,
        events=last.sequence,
        head=last.hash,
        first_broken=broken.sequence if broken else None,
        reason=broken.reason if broken else reason,
        signed=walk.last.size if walk.last else 0,
        key=keys.key_digest(walk.last.public_key) if walk.last else "",
        purged=tuple(purged),
    )


def _check_known(walk: Walk, event: Mapping[str, Any], known: Head | TreeHead | None) -> None:
    if isinstance(known, TreeHead):
        if known.size == event["sequence"]:
            head_check.check_known(walk, known)
    elif known and known.sequence == event["sequence"] and known.hash != event["hash"]:
        raise Broken(
            known.sequence, "the ledger was rewritten: the head noted earlier is not in it"
        )


def _chain(connection: Connection) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Fields and canonical content of each event, checked to follow from the event before it."""
    last = EMPTY
    for row in _rows(connection):
        expected = last.sequence + 1
        if row.sequence != expected:
            raise Broken(expected, _gap(expected, row.sequence))
        fields = _fields(row)
        content = leaves.content(fields)
        _check_links(connection, fields, canonical.sha256(content), last)
        last = Head(expected, fields["hash"])
        yield fields, content


def _gap(expected: int, found: int) -> str:
    if found < 1:
        return f"an event numbered {found} comes before the first"
    return f"event {expected} is missing, event {found} comes next"


def _check_links(connection: Connection, fields: dict[str, Any], right: str, last: Head) -> None:
    """Whether the event follows `last` and has the hash `right`, that of its content."""
    number = fields["sequence"]
    if fields["previous"] != last.hash:
        if ledger.event_hash({**fields, "previous": last.hash}) == fields["hash"]:
            raise Broken(number, "the field previous was changed")
        raise Broken(
            number,
            "wrong previous: it does not follow the event before it (one of the two was replaced)",
        )
    if fields["hash"] == right:
        return
    follower = select(EVENTS.c.sequence).where(
        EVENTS.c.sequence == number + 1, EVENTS.c.previous == right
    )
    if connection.execute(follower).first():
        raise Broken(number, "wrong hash: the field hash was changed")
    raise Broken(number, f"wrong hash: a field was changed ({CONTENT})")


def _fields(row: Row[Any]) -> dict[str, Any]:
    fields = dict(row._mapping)
    for name, value in fields.items():
        if not isinstance(value, int if name == "sequence" else str):
            raise Broken(row.sequence, f"the field {name} was changed: it has the wrong type")
    try:
        payload = json.loads(row.payload)
        whole = isinstance(payload, dict) and canonical.dumps(payload) == row.payload.encode()
    except (ValueError, RecursionError):
        whole = False
    if not whole:
        raise Broken(row.sequence, "the field payload was changed: it is not canonical JSON")
    return {**fields, "payload": payload}


def _rows(connection: Connection) -> Iterator[Row[Any]]:
    """Rows by sequence, a page at a time; a row that SQLite cannot decode is named."""
    query = select(EVENTS).order_by(EVENTS.c.sequence)
    after: int | None = None
    size = leaves.PAGE
    while True:
        page = query if after is None else query.where(EVENTS.c.sequence > after)
        try:
            rows = connection.execute(page.limit(size)).all()
        except OperationalError:
            if size == 1:
                raise Broken((after or 0) + 1, "a field cannot be read as text") from None
            size = 1
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1].sequence


def _check_end(connection: Connection, last: Head, known: Head | TreeHead | None) -> None:
    head = ledger.head(connection)
    if head.sequence > last.sequence:
        raise Broken(
            last.sequence + 1,
            f"truncated: the ledger ends at event {last.sequence}, its head says {head.sequence}",
        )
    if head != last:
        raise Broken(last.sequence, "the last event is not the one named by the head")
    noted = known.size if isinstance(known, TreeHead) else known.sequence if known else 0
    if noted > last.sequence:
        raise Broken(
            last.sequence + 1,
            f"rolled back: the ledger ends at event {last.sequence}, the head noted earlier was "
            f"event {noted}",
        )
