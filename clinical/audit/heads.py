"""Signed tree heads: at intervals the workspace key signs the Merkle root over all events.

A head says how many events there were, the root of the Merkle tree over them, when, and of which
ledger; it names the head before it. It is signed with every event that should not stand unsigned
(a person's act, an export, a new key), after a number of events or seconds (`verifier.due`), and
when somebody asks, in the transaction of the event that caused it. The right edge of the tree is
kept beside the head, so that the next one is made from the events since; it need not be believed,
because it has to give the root that was signed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, Row, insert, select

from clinical import canonical
from clinical.audit import keys, leaves, merkle, verifier, witness
from clinical.audit.merkle import Edge
from clinical.errors import LedgerError
from clinical.workspace.database import folder_of, writing
from clinical.workspace.layout import EVENTS, HEAD, NO_HASH, TREE_HEADS

FORM = 2
"""The form in which heads are signed (`verifier.HEAD_STATEMENTS`); older ones are read, too."""

_LATEST = select(TREE_HEADS).order_by(TREE_HEADS.c.size.desc()).limit(1)


@dataclass(frozen=True)
class TreeHead:
    """One signed head.

    Attributes:
        size: number of events under it.
        root: Merkle root over them (RFC 9162), hexadecimal.
        time: when it was signed, ISO 8601, UTC, by the clock of the computer.
        origin: random name of the ledger, the same in all its heads.
        previous: SHA-256 of the statement of the head before, or 64 zeros.
        public_key: of the key that signed, hexadecimal.
        signature: Ed25519 over `statement`, hexadecimal.
    """

    size: int
    root: str
    time: str
    origin: str
    previous: str
    public_key: str
    signature: str


@dataclass(frozen=True)
class Pending:
    """A head that is due, made ready before its last event is written."""

    edge: Edge
    key: Ed25519PrivateKey
    origin: str
    previous: str
    time: str
    """Of the head before; the next one is not dated before it."""


def statement(head: TreeHead) -> bytes:
    """The bytes that are signed: canonical JSON with the digest of the key instead of the key."""
    return verifier.head_statement(asdict(head), form_of(head) or FORM)


@lru_cache(maxsize=256)
def form_of(head: TreeHead) -> int:
    """In which form the head's own key signed it; 0 if in none."""
    return verifier.form_of(asdict(head), keys.signed)


def is_signed(head: TreeHead) -> bool:
    """Whether the signature is that of the head's own key. Whose key it is, is another question."""
    return form_of(head) > 0


def as_json(head: TreeHead) -> dict[str, Any]:
    """The form in which a head is kept elsewhere, with the digest of its key for the eye."""
    return {
        "statement": verifier.HEAD_STATEMENTS[form_of(head) or FORM],
        **asdict(head),
        "key": keys.key_digest(head.public_key),
    }


def from_json(data: Mapping[str, Any]) -> TreeHead:
    """A head from what `as_json` made.

    Raises:
        LedgerError: if it is something else or its signature does not fit.
    """
    kinds = {"size": int} | dict.fromkeys(list(TreeHead.__dataclass_fields__)[1:], str)
    right = all(isinstance(data.get(name), kind) for name, kind in kinds.items())
    if not right or data["size"] < 1:
        raise LedgerError(
            "This is not a signed head.", remedy="use a file written by `triptych audit sign`."
        )
    head = TreeHead(**{name: data[name] for name in kinds})
    stated = verifier.HEAD_STATEMENTS.get(form_of(head))
    if stated is None or data.get("statement") != stated:
        raise LedgerError(
            "The signature of this head does not match: the head was changed after it was signed.",
            remedy="use another copy of the head.",
        )
    return head


def with_edges(connection: Connection) -> dict[int, tuple[TreeHead, str]]:
    """Size to head and to the JSON of its edge, as they stand. Nothing is verified here."""
    return {row.size: (_head(row), row.edge) for row in connection.execute(select(TREE_HEADS))}


def latest(connection: Connection) -> TreeHead | None:
    """The last head, or None where nothing was signed yet."""
    row = _latest(connection)
    return _head(row) if row else None


def prepare(connection: Connection, kind: str, end: int, time: str) -> Pending | None:
    """What is needed to sign a head with an event of that kind after event `end`; None if not due.

    `time` is that of the event, as it will stand in the ledger. Also None where the events since
    the last head do not follow one another or that head is spoiled: a signature must not vouch for
    that. `triptych audit verify` names the fault.

    Raises:
        LedgerError: if a head is due and the key cannot be used.
    """
    row = _latest(connection)
    if row and not _is_due(_head(row), kind, end + 1, time):
        return None
    edge = _edge(connection, row, end)
    return None if edge is None else _pending(connection, row, edge)


def _is_due(last: TreeHead, kind: str, number: int, time: str) -> bool:
    # The first head in a new form is signed at once: what follows it is under the new rules.
    older = form_of(last) != FORM
    return older or verifier.due(kind, number - last.size, last.time, time)


def sign(connection: Connection, pending: Pending, event: bytes, time: str) -> TreeHead:
    """Sign and keep the head whose last event has just been written.

    Args:
        connection: the write transaction of that event.
        pending: from `prepare`, called before it.
        event: its `leaves.content`.
        time: of the event; the head is not dated before it.
    """
    edge = merkle.grown(pending.edge, merkle.leaf_hash(event))
    return _keep(connection, pending, edge, max(written(datetime.now(UTC)), time))


def written(moment: datetime) -> str:
    """A moment as the ledger writes it: ISO 8601 with microseconds, UTC."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def sign_now(connection: Connection) -> TreeHead:
    """The signed head over all events: the last one if it covers them, or else a new one.

    Raises:
        LedgerError: if there is nothing to sign, the ledger is not intact, or the key cannot be
            used.
    """
    end = connection.execute(select(HEAD.c.sequence)).scalar_one_or_none()
    row = _latest(connection)
    if end is None:
        raise LedgerError("The ledger is empty.", remedy="record something first.")
    edge = _edge(connection, row, end)
    if edge is None:
        raise LedgerError(
            "The ledger is broken, and a broken ledger is not signed.",
            remedy="run `triptych audit verify`.",
        )
    if row and row.size == end:
        return _head(row)
    last = connection.execute(select(EVENTS.c.time).where(EVENTS.c.sequence == end)).scalar_one()
    time = max(written(datetime.now(UTC)), last)
    return _keep(connection, _pending(connection, row, edge), edge, time)


def seal(engine: Engine) -> None:
    """Sign what no head covers yet; a ledger that is empty or broken goes without.

    For whoever has done with recording for a while, so that the last events do not wait.
    """
    with writing(engine) as connection:
        try:
            sign_now(connection)
        except LedgerError:
            return


def signing_key(connection: Connection) -> Ed25519PrivateKey:
    """The key in force; made if nothing was signed yet.

    Raises:
        LedgerError: if its file is not there, is another key, or can be read by others.
    """
    return keys.load(folder_of(connection), key_in_force(connection))


def key_in_force(connection: Connection) -> str | None:
    """Digest of the key that signs the next head, or None before the first."""
    row = _latest(connection)
    if row is None:
        return None
    query = select(EVENTS.c.kind, EVENTS.c.payload).where(EVENTS.c.sequence == row.size)
    event = connection.execute(query).one_or_none()
    if event is not None and event.kind == "KEY_ROTATED":
        return _new_key(event.payload)
    return keys.key_digest(row.public_key)


def _pending(connection: Connection, row: Row[Any] | None, edge: Edge) -> Pending:
    origin = row.origin if row else secrets.token_hex(16)
    previous = canonical.sha256(statement(_head(row))) if row else NO_HASH
    time = row.time if row else ""
    return Pending(edge, signing_key(connection), origin, previous, time)


def _keep(connection: Connection, pending: Pending, edge: Edge, time: str) -> TreeHead:
    unsigned = TreeHead(
        size=edge.size,
        root=merkle.root(edge).hex(),
        time=max(time, pending.time),
        origin=pending.origin,
        previous=pending.previous,
        public_key=keys.public_hex(pending.key),
        signature="",
    )
    fields = {**asdict(unsigned), "signature": keys.sign(pending.key, statement(unsigned))}
    peaks = json.dumps([peak.hex() for peak in edge.peaks])
    connection.execute(insert(TREE_HEADS).values(**fields, edge=peaks))
    if place := witness.appointed(folder_of(connection)):
        witness.tell(connection, place, lines(connection, after=witness.last_size(place)))
    return TreeHead(**fields)


def lines(connection: Connection, after: int = 0) -> list[bytes]:
    """The heads over more than `after` events as lines for a witness, oldest first."""
    query = select(TREE_HEADS).where(TREE_HEADS.c.size > after).order_by(TREE_HEADS.c.size)
    return [canonical.dumps(as_json(_head(row))) + b"\n" for row in connection.execute(query)]


def _new_key(payload: str) -> str:
    try:
        return str(json.loads(payload)["new"])
    except (ValueError, KeyError, TypeError):
        raise LedgerError(
            "The event that records the key was changed.", remedy="run `triptych audit verify`."
        ) from None


def _latest(connection: Connection) -> Row[Any] | None:
    return connection.execute(_LATEST).one_or_none()


def _edge(connection: Connection, row: Row[Any] | None, end: int) -> Edge | None:
    """The right edge over all events, or None where something since the last head is broken."""
    edge, last = Edge(), NO_HASH
    if row is not None:
        known = _known_edge(row)
        before = connection.execute(select(EVENTS.c.hash).where(EVENTS.c.sequence == row.size))
        if known is None or not is_signed(_head(row)):
            return None
        edge, last = known, before.scalar_one_or_none() or ""
    for event in leaves.rows(connection, after=edge.size, last=end):
        try:
            content = leaves.content_of_row(event)
        except (ValueError, RecursionError):
            return None
        if event.previous != last or event.hash != canonical.sha256(content):
            return None
        edge, last = merkle.grown(edge, merkle.leaf_hash(content)), event.hash
    return edge if edge.size == end else None


def _known_edge(row: Row[Any]) -> Edge | None:
    try:
        edge = Edge(row.size, tuple(bytes.fromhex(peak) for peak in json.loads(row.edge)))
    except (ValueError, TypeError):
        return None
    whole = len(edge.peaks) == edge.size.bit_count() and merkle.root(edge).hex() == row.root
    return edge if whole else None


def _head(row: Row[Any]) -> TreeHead:
    fields = dict(row._mapping)
    del fields["edge"]
    return TreeHead(**fields)
