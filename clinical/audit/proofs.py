"""Proofs that anyone with a signed head can check without the workspace, and their JSON form.

A proof of inclusion shows that one event is under a head; a proof of consistency shows that the
events under an older head are still the first events under a newer one. Both are lists of hashes
(RFC 9162, sections 2.1.3 and 2.1.4); making one reads the ledger once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from clinical.audit import heads, leaves, ledger, merkle
from clinical.audit.heads import TreeHead
from clinical.errors import LedgerError
from clinical.workspace.layout import EVENTS

_CHANGED = "run `triptych audit verify`."


def inclusion(connection: Connection, number: int) -> dict[str, Any]:
    """Proof that event `number` is under the last signed head.

    Returns:
        JSON-compatible: the event with all its fields, the head, and the path as hexadecimal.

    Raises:
        LedgerError: if there is no such event, no head covers it, or it is not what was signed.
    """
    row = connection.execute(select(EVENTS).where(EVENTS.c.sequence == number)).one_or_none()
    if row is None:
        raise LedgerError(
            f"There is no event {number}.", remedy="give the number of an event in the ledger."
        )
    head = heads.latest(connection)
    if head is None or head.size < number:
        raise LedgerError(
            f"No signed head covers event {number} yet.", remedy="run `triptych audit sign` first."
        )
    path = merkle.inclusion_path(_leaves(connection, head), number - 1)
    return {
        "event": ledger.as_json(ledger.event_of(row)),
        "head": heads.as_json(head),
        "path": [node.hex() for node in path],
    }


def consistency(connection: Connection, first: TreeHead) -> dict[str, Any]:
    """Proof that the events under the head `first`, kept elsewhere, are still the first ones.

    Returns:
        JSON-compatible: both heads and the path as hexadecimal.

    Raises:
        LedgerError: if they are not, or the ledger does not reach as far.
    """
    second = heads.latest(connection)
    if second is None or second.size < first.size:
        raise LedgerError(
            f"The last signed head covers fewer than {first.size} events.",
            remedy="run `triptych audit verify --head FILE`.",
        )
    path = merkle.consistency_path(_leaves(connection, second), first.size)
    proof = {
        "first": heads.as_json(first),
        "second": heads.as_json(second),
        "path": [node.hex() for node in path],
    }
    if not shows_consistency(proof):
        raise LedgerError(
            "The events under this head are no longer those of the workspace.", remedy=_CHANGED
        )
    return proof


def shows_inclusion(proof: Mapping[str, Any]) -> bool:
    """Whether a proof that `inclusion` made holds; its head's signature is another question."""
    event, head = proof["event"], proof["head"]
    return merkle.proves_inclusion(
        merkle.leaf_hash(leaves.content(event)),
        event["sequence"] - 1,
        head["size"],
        _nodes(proof["path"]),
        bytes.fromhex(head["root"]),
    )


def shows_consistency(proof: Mapping[str, Any]) -> bool:
    """Whether a proof that `consistency` made holds, between two heads of one ledger."""
    first, second = proof["first"], proof["second"]
    return first["origin"] == second["origin"] and merkle.proves_consistency(
        (first["size"], bytes.fromhex(first["root"])),
        (second["size"], bytes.fromhex(second["root"])),
        _nodes(proof["path"]),
    )


def _nodes(path: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(node) for node in path]


def _leaves(connection: Connection, head: TreeHead) -> list[bytes]:
    """Leaf hashes under `head`, which have to give its root."""
    try:
        found = leaves.hashes(connection, head.size)
    except ValueError:
        raise LedgerError("An event is no longer valid JSON.", remedy=_CHANGED) from None
    if len(found) != head.size or merkle.root_of(found).hex() != head.root:
        raise LedgerError("The events are not the ones that were signed.", remedy=_CHANGED)
    return found
