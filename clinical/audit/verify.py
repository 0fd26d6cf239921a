"""Is the ledger intact, and does the store still hold what the ledger says it holds?

The rules are in `clinical.audit.verifier`, which also checks exports; here the rows of the database
become what it reads. One pass over the events: the chain, the signed heads, heads that were kept
elsewhere, times, and what events say of one another. Then the end, the records of the store, the
list of cases and the accounts (`clinical.audit.held`), and the key. The first fault is named.
docs/ledger.md says what this can and cannot show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.exc import OperationalError

from clinical import canonical
from clinical.audit import heads, held, keys, leaves, ledger, passkey
from clinical.audit.heads import TreeHead
from clinical.audit.ledger import EMPTY, Head
from clinical.audit.verifier import Fault, Walk
from clinical.errors import LedgerError
from clinical.workspace.database import folder_of
from clinical.workspace.layout import EVENTS

_READER = json.JSONDecoder()

NO_KEY = "none"
"""In place of the digest of a key: verify without one. Whoever signed could be anybody then."""


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

    @property
    def where(self) -> str:
        """ " at event N", or nothing where the fault is at no one event (a key, an account)."""
        return f" at event {self.first_broken}" if self.first_broken else ""


def verify(
    connection: Connection,
    *,
    known: Head | TreeHead | None = None,
    witnessed: Sequence[TreeHead] = (),
    key: str = "",
    pixels: bool = False,
    now: datetime | None = None,
) -> Verdict:
    """Check the ledger and the records it vouches for.

    Args:
        connection: reads one consistent state of the workspace.
        known: a head kept elsewhere (`triptych audit sign`, or an export's); finds a ledger that
            was rewritten and signed again or rolled back, which it cannot show by itself.
        witnessed: heads that a witness kept (`clinical.audit.witness`), for the same.
        key: digest of the key that has to be in force at the end; "" for that in the key file,
            `NO_KEY` for none.
        pixels: check the images, too, which takes longer.
        now: the clock of who verifies; nothing may be dated a day later.
    """
    walk = Walk()
    try:
        walk = _begin(connection, known, witnessed, now)
        walk.walk(_events(connection))
        _check_end(connection, walk)
        walk.finish()
        held.check(connection, walk, pixels=pixels)
        _check_key(connection, walk, key)
    except Fault as fault:
        return _verdict(walk, fault)
    return _verdict(walk, None)


def _begin(
    connection: Connection,
    known: Head | TreeHead | None,
    witnessed: Sequence[TreeHead],
    now: datetime | None,
) -> Walk:
    kept = [asdict(head) for head in witnessed]
    if isinstance(known, TreeHead):
        kept.append(asdict(known))
    elif known and known != EMPTY:
        kept.append(known._asdict())
    try:
        own = [{**asdict(h), "edge": edge} for h, edge in heads.with_edges(connection).values()]
    except OperationalError:
        raise Fault("a signed head cannot be read as text", 1) from None
    return Walk(own, kept, now, keys.signed, confirms=passkey.confirms)


def _verdict(walk: Walk, fault: Fault | None) -> Verdict:
    reason = "every event follows the one before it, and the store holds what they name"
    if walk.purges:
        reason += f", but for {len(walk.purges)} cases that were purged"
    return Verdict(
        intact=fault is None,
        events=walk.size,
        head=walk.end,
        first_broken=(fault.number or None) if fault else None,
        reason=fault.reason if fault else reason,
        signed=walk.last["size"] if walk.last else 0,
        key=keys.key_digest(walk.last["public_key"]) if walk.last else "",
        purged=tuple(walk.purges),
    )


def _events(connection: Connection) -> Iterator[dict[str, Any]]:
    """The events as fields, their payloads read; what is not as it was written is named."""
    names = EVENTS.c.keys()
    for row in _rows(connection):
        fields = dict(zip(names, row, strict=True))
        written = fields["payload"]
        try:
            payload, _ = _READER.raw_decode(written)  # that it ends there, the next line shows
            whole = isinstance(payload, dict) and canonical.text(payload) == written
        except (TypeError, ValueError, RecursionError):
            whole = False
        if not whole:
            raise Fault("the field payload was changed: it is not canonical JSON", row.sequence)
        fields["payload"] = payload
        yield fields


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
                raise Fault("a field cannot be read as text", (after or 0) + 1) from None
            size = 1
            continue
        if not rows:
            return
        yield from rows
        after = rows[-1].sequence


def _check_end(connection: Connection, walk: Walk) -> None:
    head = ledger.head(connection)
    if head.sequence > walk.size:
        raise Fault(
            f"truncated: the ledger ends at event {walk.size}, its head says {head.sequence}",
            walk.size + 1,
        )
    if head != (walk.size, walk.end):
        raise Fault("the last event is not the one named by the head", walk.size)


def _check_key(connection: Connection, walk: Walk, key: str) -> None:
    """The key in force at the end is the one that was pinned, or that in the key file."""
    if walk.last is None or key == NO_KEY:
        return
    if key:
        if walk.key != key:
            raise Fault(f"the ledger is signed with the key {walk.key}, not with the one given")
        return
    try:
        present = keys.present(folder_of(connection))
    except LedgerError as error:
        raise Fault(f"{error.message.rstrip('.')}; {error.remedy}") from None
    if walk.key not in present:
        raise Fault(
            "the signed heads were made with a different key from the one in the workspace",
            walk.last["size"],
        )
