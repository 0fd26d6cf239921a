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
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from clinical import canonical
from clinical.audit import keys, leaves, merkle, remote_witness, verifier, witness
from clinical.audit.merkle import Edge
from clinical.audit.signer import Signer
from clinical.errors import LedgerError
from clinical.workspace.database import folder_of, writing
from clinical.workspace.layout import EVENTS, HEAD, NO_HASH, TREE_HEADS

FORM = 2
"""The form in which heads are signed (`verifier.HEAD_STATEMENTS`); older ones are read, too."""

_INSERT = insert(TREE_HEADS)
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


class Block:
    """Events that are about to be appended one after another, and the heads due among them.

    A head is not due where the events since the last one do not follow one another, or that one is
    spoiled: a signature must not vouch for that. `triptych audit verify` names the fault.
    """

    def __init__(self, connection: Connection, end: int) -> None:
        """Begin after event `end`, the last one."""
        row = _latest(connection)
        self._connection = connection
        self._begin = (row, end)
        self._last = _head(row) if row else None
        self._older = self._last is not None and form_of(self._last) != FORM
        self._number = end
        self._peaks: list[bytes] | None = None  # of the tree; made when the first head is due
        self._since: list[bytes] = []  # leaves that are not in it yet
        self._early = ""  # a time at which none was due
        self._kind = ""
        self._key: Signer | None = None

    def is_due(self, kind: str, time: str) -> bool:
        """Whether a head is due with the next event, of that kind and time.

        Raises:
            LedgerError: if one is, and the key cannot be used. Nothing of the event is written yet.
        """
        if not self._is_time(kind, time):
            self._early = time
            return False
        if self._peaks is None:
            edge = _edge(self._connection, *self._begin)
            if edge is None:
                return False
            self._peaks = list(edge.peaks)
        if self._key is None:
            self._key = signing_key(self._connection)
        self._kind = kind
        return True

    def grow(self, event: bytes) -> None:
        """Take in the next event by its `leaves.content`."""
        self._number += 1
        self._since.append(merkle.leaf_hash(event))

    def sign(self, time: str) -> None:
        """Sign and keep the head over all events so far, which have just been written.

        Args:
            time: of the last of them; the head is not dated before it.

        Raises:
            LedgerError: if none is due.
        """
        if self._peaks is None or self._key is None:
            raise LedgerError("No head is due.", remedy="ask `is_due` first.")
        first = self._number - len(self._since)
        for size, leaf in enumerate(self._since, first):
            verifier.grow(self._peaks, size, leaf)
        self._since.clear()
        edge = Edge(self._number, tuple(self._peaks))
        time = max(written(datetime.now(UTC)), time)
        self._last = _keep(self._connection, self._last, self._key, edge, time)
        self._older, self._early = False, ""
        if self._kind == "KEY_ROTATED":  # the next one is signed with the new key
            self._key = None

    def _is_time(self, kind: str, time: str) -> bool:
        # The first head in a new form is signed at once: what follows it is under the new rules.
        if self._last is None or self._older:
            return True
        events = self._number + 1 - self._last.size
        if time == self._early and events < verifier.EVERY_EVENTS and kind not in verifier.AT_ONCE:
            return False
        return verifier.due(kind, events, self._last.time, time)


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
    last = _head(row) if row else None
    return _keep(connection, last, signing_key(connection), edge, time)


def seal(engine: Engine) -> None:
    """Sign what no head covers yet; a ledger that is empty or broken goes without.

    For whoever has done with recording for a while, so that the last events do not wait.
    """
    with writing(engine) as connection:
        try:
            sign_now(connection)
        except LedgerError:
            return


def signing_key(connection: Connection) -> Signer:
    """The key in force; made if nothing was signed yet.

    Raises:
        LedgerError: if it is not there, is another key, cannot be used, or others can read its
            file.
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


def _keep(
    connection: Connection,
    last: TreeHead | None,
    key: Signer,
    edge: Edge,
    time: str,
) -> TreeHead:
    """Sign and write the head over `edge` that follows `last`."""
    unsigned = TreeHead(
        size=edge.size,
        root=merkle.root(edge).hex(),
        time=max(time, last.time) if last else time,
        origin=last.origin if last else secrets.token_hex(16),
        previous=canonical.sha256(statement(last)) if last else NO_HASH,
        public_key=key.public,
        signature="",
    )
    signed = replace(unsigned, signature=key.sign(statement(unsigned)))
    peaks = json.dumps([peak.hex() for peak in edge.peaks])
    connection.execute(_INSERT, {**vars(signed), "edge": peaks})
    folder = folder_of(connection)
    if place := witness.appointed(folder):
        witness.tell(connection, place, lines(connection, after=witness.last_size(place)))
    if address := remote_witness.appointed(folder):
        due = lines(connection, after=remote_witness.sent(folder))
        remote_witness.tell(connection, folder, address, due)
    return signed


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
