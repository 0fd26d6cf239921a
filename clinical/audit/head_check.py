"""Check the signed heads during one pass over the events.

Every root is computed again from the events, so that two heads which both fit are consistent with
one another by construction. Heads name the one before, and are due at fixed places
(`clinical.audit.heads`), so that a head that was taken away leaves a hole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from clinical import canonical
from clinical.audit import heads, keys, merkle, rotation
from clinical.audit.fault import Broken
from clinical.audit.heads import TreeHead
from clinical.audit.merkle import Edge
from clinical.workspace.database import NO_HASH, folder_of

NOTHING = Edge()


@dataclass(frozen=True)
class Walk:
    """Where the pass stands.

    Attributes:
        kept: size to signed head and to its edge, as they stand in the workspace.
        edge: of the tree over the events so far.
        last: the last signed head that was passed, or None.
        key: digest of the key that has to sign the next head; "" before the first.
    """

    kept: Mapping[int, tuple[TreeHead, str]] = field(default_factory=dict)
    edge: Edge = NOTHING
    last: TreeHead | None = None
    key: str = ""


def begin(connection: Connection) -> Walk:
    """Read all signed heads.

    Raises:
        Broken: if one of them cannot be read as text.
    """
    try:
        return Walk(heads.with_edges(connection))
    except OperationalError:
        raise Broken(1, "a signed head cannot be read as text") from None


def step(walk: Walk, event: Mapping[str, Any], content: bytes) -> Walk:
    """Take in the next event, and the head over it if there is one.

    Args:
        walk: before the event.
        event: its fields.
        content: its `leaves.content`.

    Raises:
        Broken: if the head or the change of key is not what it should be, or a head is missing.
    """
    walk = replace(walk, edge=merkle.grown(walk.edge, merkle.leaf_hash(content)))
    if walk.edge.size in walk.kept:
        walk = _pass_head(walk)
    elif walk.last is not None:
        _check_not_due(walk.last, event)
    if event["kind"] == "KEY_ROTATED" and walk.last is not None:
        payload = event["payload"]
        if not rotation.is_vouched(payload, walk.last.origin, walk.last.public_key):
            raise Broken(walk.edge.size, "the change of key is not signed by the key before")
        walk = replace(walk, key=payload["new"])
    return walk


def end(connection: Connection, walk: Walk) -> None:
    """After the last event: no head may be left over, and the key file has to be the signer's.

    Raises:
        Broken: if it is not so.
    """
    size = walk.edge.size
    left = sorted(number for number in walk.kept if not 1 <= number <= size)
    if left:
        raise Broken(
            size + 1,
            f"truncated: the ledger ends at event {size}, a head over {left[-1]} is signed",
        )
    present = keys.digests(folder_of(connection))
    if present and size and walk.last is None:
        raise Broken(1, "the signed heads are missing, though the workspace has a key")
    if present and walk.last is not None and walk.key not in present:
        raise Broken(
            walk.last.size,
            "the signed heads were made with a different key from the one in the workspace",
        )


def check_known(walk: Walk, known: TreeHead) -> None:
    """At the size of a head that was kept elsewhere: is it still the head of these events?

    Raises:
        Broken: if it is not.
    """
    if merkle.root(walk.edge).hex() != known.root:
        raise Broken(
            known.size,
            f"the ledger was rewritten: the first {known.size} events do not match the head kept "
            "elsewhere",
        )
    if walk.kept.get(known.size, (None,))[0] != known:
        raise Broken(
            known.size,
            f"the first {known.size} events match the head kept elsewhere, but the "
            "workspace's own head over them is different: it was removed or signed again",
        )


def _pass_head(walk: Walk) -> Walk:
    head, edge = walk.kept[walk.edge.size]
    where = f"the signed head over {head.size} events"
    if walk.last is not None and keys.key_digest(head.public_key) != walk.key:
        raise Broken(head.size, f"{where} is signed with a key that was not in force")
    if not heads.is_signed(head):
        raise Broken(
            head.size, f"the signature of {where} does not match: one of the two was changed"
        )
    before = canonical.sha256(heads.statement(walk.last)) if walk.last else NO_HASH
    if head.previous != before:
        raise Broken(
            head.size, f"{where} does not follow the head before it: one was replaced or removed"
        )
    if walk.last is not None and head.origin != walk.last.origin:
        raise Broken(head.size, f"{where} belongs to another ledger")
    if merkle.root(walk.edge).hex() != head.root:
        first = walk.last.size + 1 if walk.last else 1
        raise Broken(
            first,
            f"rewritten: one of the events {first} to {head.size} is not what was signed",
        )
    if edge != json.dumps([peak.hex() for peak in walk.edge.peaks]):
        raise Broken(head.size, f"the edge kept beside {where} was changed")
    return replace(walk, last=head, key=keys.key_digest(head.public_key))


def _check_not_due(last: TreeHead, event: Mapping[str, Any]) -> None:
    number = event["sequence"]
    if event["kind"] in heads.ALWAYS or number - last.size >= heads.EVERY_EVENTS:
        raise Broken(number, f"the signed head over {number} events is missing")
