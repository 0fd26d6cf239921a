"""Signed heads, proofs of inclusion and the receipt of an export, as JSON for `verify.py`.

Many proofs are wanted of one tree, so all its levels are kept while they are made: 64 bytes an
event, whatever the events hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from clinical.audit import heads, leaves, ledger, merkle, proofs
from clinical.audit.heads import TreeHead
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError

PROVED = frozenset({"SIGNED", "ADJUDICATED"})
"""Kinds of event that can be shown to somebody by themselves, with a proof."""

WIDTH = 32  # bytes of a hash


def signed_heads(connection: Connection, size: int) -> list[TreeHead]:
    """The heads over the first `size` events at most, in order, as they stand."""
    found = heads.with_edges(connection)
    return [found[number][0] for number in sorted(found) if number <= size]


def inclusion(
    connection: Connection, head: TreeHead | None, events: Iterable[AuditEvent]
) -> dict[str, Any]:
    """Proofs that the signatures among the events are under a signed head.

    Returns:
        JSON-compatible: {"size", "events": [{"sequence", "leaf", "path"}]}; no proofs without a
        head.
    """
    if head is None:
        return {"size": 0, "events": []}
    wanted = [e for e in events if e.kind in PROVED and e.sequence <= head.size]
    levels = _levels(connection, head.size) if wanted else []
    return {
        "size": head.size,
        "events": [
            {
                "sequence": event.sequence,
                "leaf": merkle.leaf_hash(leaves.content(ledger.as_json(event))).hex(),
                "path": [step.hex() for step in _path(levels, event.sequence - 1)],
            }
            for event in wanted
        ],
    }


def receipt(connection: Connection, event: AuditEvent) -> dict[str, Any] | None:
    """The event of the export and proof that it is under a signed head; None if no head is."""
    try:
        return proofs.inclusion(connection, event.sequence)
    except LedgerError:
        return None


def _levels(connection: Connection, size: int) -> list[bytearray]:
    """The tree from its leaves up; an odd node at the end of a level rises as it is."""
    level = bytearray()
    for event in ledger.events(connection):
        if event.sequence <= size:
            level += merkle.leaf_hash(leaves.content(ledger.as_json(event)))
    levels = [level]
    while len(level) > WIDTH:
        above = bytearray()
        for start in range(0, len(level), 2 * WIDTH):
            pair = level[start : start + 2 * WIDTH]
            whole = len(pair) == 2 * WIDTH
            above += hashlib.sha256(b"\1" + pair).digest() if whole else pair
        levels.append(above)
        level = above
    return levels


def _path(levels: list[bytearray], index: int) -> list[bytes]:
    """Siblings from the leaf up (RFC 9162, section 2.1.3.1)."""
    path = []
    for level in levels[:-1]:
        sibling = (index ^ 1) * WIDTH
        if sibling < len(level):
            path.append(bytes(level[sibling : sibling + WIDTH]))
        index >>= 1
    return path
