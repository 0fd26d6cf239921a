"""An event as bytes: the canonical form that is hashed for both the chain and the tree.

`content` of an event is the canonical JSON of all its fields but its own hash. SHA-256 of it is the
event's hash in the chain; `merkle.leaf_hash` of it is its leaf in the tree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any

from sqlalchemy import Connection, Row, select

from clinical import canonical
from clinical.audit import merkle
from clinical.workspace.layout import EVENTS

PAGE = 1000  # events read at a time


def content(fields: Mapping[str, Any]) -> bytes:
    """Canonical JSON of an event's fields, all but its own hash."""
    return canonical.dumps({name: value for name, value in fields.items() if name != "hash"})


def content_of(
    sequence: int, time: str, actor: str, kind: str, case_id: str, payload: str, previous: str
) -> bytes:
    """`content` where the canonical text of the payload is known already."""
    return (
        f'{{"actor":{encode_basestring(actor)},"case_id":{encode_basestring(case_id)},'
        f'"kind":"{kind}","payload":{payload},"previous":"{previous}","sequence":{sequence},'
        f'"time":"{time}"}}'
    ).encode()


def content_of_row(row: Row[Any]) -> bytes:
    """`content` of a row of the table.

    Raises:
        ValueError: if its payload is not JSON.
    """
    return content({**row._mapping, "payload": json.loads(row.payload)})


def rows(connection: Connection, *, after: int, last: int) -> Iterator[Row[Any]]:
    """The rows of the events after number `after` up to number `last`, in order."""
    query = select(EVENTS).where(EVENTS.c.sequence <= last).order_by(EVENTS.c.sequence).limit(PAGE)
    while page := connection.execute(query.where(EVENTS.c.sequence > after)).all():
        yield from page
        after = page[-1].sequence


def hashes(connection: Connection, size: int) -> list[bytes]:
    """Leaf hashes of the first `size` events; the ledger should have been verified.

    Raises:
        ValueError: if the payload of one of them is not JSON.
    """
    found = rows(connection, after=0, last=size)
    return [merkle.leaf_hash(content_of_row(row)) for row in found]
