"""The record as JSON lines: one event, one assessment, one case or one comment a line.

Lines are canonical JSON (`clinical.canonical`), so that their digests are those that the events
name. An event that is not shown keeps its place by its hash, and its leaf in the tree. In place of
what was purged stands a line with the number of the event that did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, select

from clinical import canonical
from clinical.audit import leaves, ledger, merkle, retention
from clinical.case.assessment import AuditEvent
from clinical.errors import StoreError
from clinical.workspace import comments
from clinical.workspace.layout import ASSESSMENTS, CASES

Shown = Callable[[AuditEvent], bool]
"""Whether the content of an event is shown."""


def event_lines(connection: Connection, shows: Shown) -> Iterator[bytes]:
    """All events in order: those shown with their content, the others by their hashes.

    Raises:
        LedgerError: at an event whose payload is not a JSON object.
    """
    for event in ledger.events(connection):
        fields = ledger.as_json(event)
        yield canonical.dumps(fields if shows(event) else hidden(fields)) + b"\n"


def hidden(fields: dict[str, Any]) -> dict[str, Any]:
    """What is told of an event that is not shown; neither hash says anything of its content."""
    leaf = merkle.leaf_hash(leaves.content(fields)).hex()
    return {**{name: fields[name] for name in ("sequence", "previous", "hash")}, "leaf": leaf}


def assessment_lines(connection: Connection, events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """Every assessment that the events name, once, in the order it was first recorded."""
    for event, digest in _named(events, "assessment", ("ASSESSED",)):
        query = select(ASSESSMENTS.c.record).where(ASSESSMENTS.c.digest == digest)
        record = connection.execute(query).scalar_one_or_none()
        yield _as_stored(connection, record, event, "assessment")


def case_lines(connection: Connection, events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """Every case with the inputs that the events name; of images the digests only."""
    seen = set()
    for event in events:
        digest = event.payload.get("input") if event.kind in ("ASSESSED", "IMPORTED") else None
        whole = event.payload.get("record")  # not in events of old
        if digest is None or (event.case_id, digest, whole) in seen:
            continue
        seen.add((event.case_id, digest, whole))
        query = select(CASES.c.record).where(
            CASES.c.case_id == event.case_id, CASES.c.input_digest == digest
        )
        if whole is not None:
            query = query.where(CASES.c.record_digest == whole)
        found = connection.execute(query.order_by(CASES.c.position.desc()).limit(1))
        yield _as_stored(connection, found.scalar_one_or_none(), event, "input")


def comment_lines(connection: Connection, events: Iterable[AuditEvent]) -> Iterator[bytes]:
    """Every comment that the events name, with the salt that its digest covers too."""
    for event, digest in _named(events, "comment", None):
        try:
            salt, text = comments.get_salted(connection, digest)
        except StoreError as error:  # an auditor needs the rest, and this line to say so
            purged = _purged(connection, event, "comment")
            yield purged or _problem("comment", digest, error.message)
            continue
        yield canonical.dumps({"salt": salt, "text": text}) + b"\n"


def _named(
    events: Iterable[AuditEvent], name: str, kinds: tuple[str, ...] | None
) -> Iterator[tuple[AuditEvent, str]]:
    seen = set()
    for event in events:
        digest = event.payload.get(name)
        if (kinds is None or event.kind in kinds) and digest and digest not in seen:
            seen.add(digest)
            yield event, str(digest)


def _as_stored(connection: Connection, record: str | None, event: AuditEvent, what: str) -> bytes:
    """The line as it stands in the store, whether or not it is what it should be."""
    digest = str(event.payload.get(what))
    if record is None:
        purged = _purged(connection, event, what)
        return purged or _problem(what, digest, "It is missing from the store.")
    if canonical.sha256(record.encode()) == digest:  # so it is canonical, and need not be parsed
        return record.encode() + b"\n"
    try:
        return canonical.dumps(json.loads(record)) + b"\n"
    except ValueError:
        return _problem(what, digest, "It is not JSON any more.")


def _purged(connection: Connection, event: AuditEvent, what: str) -> bytes | None:
    """The line in place of something that a later event removed; None if there is none."""
    digest = event.payload.get(what)
    number = retention.find(connection, event.case_id, event.sequence, f"{what}s", digest)
    if number is None:
        return None
    line = {"case_id": event.case_id, what: digest, "purged_by": number}
    return canonical.dumps(line) + b"\n"


def _problem(what: str, digest: str, why: str) -> bytes:
    return canonical.dumps({what: digest, "problem": why}) + b"\n"
