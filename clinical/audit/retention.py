"""Retention: remove a case from the store; the ledger records it and still verifies.

The ledger holds pseudonyms, codes and digests only, so its events stay; what their digests named is
gone, and verification finds the PURGED event that says why.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from clinical import canonical
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.case.shapes import digests_of
from clinical.errors import LedgerError, StoreError
from clinical.workspace.database import writing
from clinical.workspace.layout import ASSESSMENTS, CASES, COMMENTS, EVENTS, PIXELS, WORKLIST
from clinical.workspace.scrubbing import scrubbed

BECAUSE = {
    "erasure": "the person asked for it, or somebody for them",
    "retention": "it was kept for as long as the rule says",
    "mistake": "it should not have been brought here",
}


@dataclass(frozen=True)
class Held:
    """What a workspace holds of one case, by digest.

    Attributes:
        inputs: of its case records.
        assessments: of its assessments.
        comments: of the comments that its events name.
        pixels: of images that no other case has.
    """

    inputs: tuple[str, ...]
    assessments: tuple[str, ...]
    comments: tuple[str, ...]
    pixels: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.inputs or self.assessments or self.comments)


def held(connection: Connection, case_id: str) -> Held:
    """What the workspace holds of a case; false where that is nothing."""
    records = connection.execute(
        select(CASES.c.input_digest, CASES.c.record).where(CASES.c.case_id == case_id)
    ).all()
    made = select(ASSESSMENTS.c.digest).where(ASSESSMENTS.c.case_id == case_id)
    named = (event.payload.get("comment") for event in ledger.events(connection, case_id=case_id))
    comments = select(COMMENTS.c.digest).where(COMMENTS.c.digest.in_(sorted(filter(None, named))))
    return Held(
        tuple(sorted({row.input_digest for row in records})),
        tuple(sorted(connection.execute(made).scalars())),
        tuple(sorted(connection.execute(comments).scalars())),
        tuple(sorted(_own_pixels(connection, case_id, [row.record for row in records]))),
    )


def purge(
    engine: Engine,
    case_ids: Iterable[str],
    *,
    because: str,
    actor: str,
    time: datetime | None = None,
    progress: Callable[[], None] | None = None,
) -> list[AuditEvent]:
    """Remove cases from the store, each with its PURGED event in one transaction; then `scrub`.

    A case of which nothing is held is passed over, so that the same call can be made again.

    Args:
        engine: the workspace, opened as its owner.
        case_ids: which cases.
        because: a key of `BECAUSE`.
        actor: who purges.
        time: of the events; now if left out.
        progress: told after each case.

    Raises:
        LedgerError: if the reason is not one of `BECAUSE`.
        StoreError: if no event names such a case, the server refuses, or another program holds the
            file (the cases are purged then, but their bytes may still be in it).
    """
    check_reason(because)
    events = []
    for case_id in case_ids:
        with writing(engine) as connection:
            if event := _purge(connection, case_id, because, actor, time):
                events.append(event)
        if progress:
            progress()
    scrub(engine)
    return events


def check_reason(because: str) -> None:
    """Demand one of the reasons to purge.

    Raises:
        LedgerError: if it is none.
    """
    if because not in BECAUSE:
        raise LedgerError(
            f"{because!r} is not a reason to purge.", remedy=f"use one of {', '.join(BECAUSE)}."
        )


def of_patients(connection: Connection, patients: Iterable[str]) -> list[str]:
    """Cases that are held of these patients, by case_id."""
    wanted = set(patients)
    found: set[str] = set()
    for patient in wanted:
        written = canonical.dumps({"patient_id": patient}).decode()[1:-1]
        rows = select(CASES.c.case_id, CASES.c.record).where(
            CASES.c.record.contains(written, autoescape=True)
        )
        for case_id, record in connection.execute(rows):
            if json.loads(record)["patient_id"] in wanted:
                found.add(case_id)
    return sorted(found)


def older_than(connection: Connection, moment: datetime) -> list[str]:
    """Cases that are held and of which no event is later than `moment`, by case_id."""
    limit = moment.astimezone(UTC).isoformat(timespec="microseconds")
    latest = (
        select(EVENTS.c.case_id)
        .where(EVENTS.c.case_id.in_(select(CASES.c.case_id)))
        .group_by(EVENTS.c.case_id)
        .having(func.max(EVENTS.c.time) < limit)
        .order_by(EVENTS.c.case_id)
    )
    return list(connection.execute(latest).scalars())


def purged_by(connection: Connection, event: AuditEvent) -> int | None:
    """Number of the later event that purged the assessment which an ASSESSED event names."""
    return find(
        connection, event.case_id, event.sequence, "assessments", event.payload.get("assessment")
    )


def purge_of(past: Iterable[AuditEvent]) -> AuditEvent | None:
    """The PURGED event among the events of a case, where nothing was brought again after it."""
    purge = None
    for event in past:
        if event.kind == "PURGED":
            purge = event
        elif event.kind in ("ASSESSED", "IMPORTED"):
            purge = None
    return purge


def find(
    connection: Connection, case_id: str, after: int, listed: str, digest: object
) -> int | None:
    """Number of the first PURGED event of a case after `after` whose list names a digest."""
    for event in ledger.events(connection, case_id=case_id, kind="PURGED", after=after):
        if digest in event.payload.get(listed, ()):
            return event.sequence
    return None


def scrub(engine: Engine) -> None:
    """Leave no byte of what was deleted in the file of a workspace or in its write-ahead log.

    A server does this in its own time.

    Raises:
        StoreError: if another program has the workspace open in a way that hinders it.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            raw = connection.connection.driver_connection
            done = isinstance(raw, sqlite3.Connection) and scrubbed(raw)
    except (OperationalError, sqlite3.OperationalError):  # the latter past SQLAlchemy
        done = False
    if not done:
        raise StoreError(
            "The cases are purged, but another program is using the file, which may still hold"
            " bytes "
            "of them.",
            remedy="stop the other program and run the same command again.",
        )


def _purge(
    connection: Connection, case_id: str, because: str, actor: str, time: datetime | None
) -> AuditEvent | None:
    found = held(connection, case_id)
    if not found:
        if not any(True for _ in ledger.events(connection, case_id=case_id)):
            raise StoreError(
                f"The workspace never held a case {case_id}.", remedy="look up its case_id."
            )
        return None
    try:
        for table in (WORKLIST, ASSESSMENTS, CASES):
            connection.execute(delete(table).where(table.c.case_id == case_id))
        connection.execute(delete(PIXELS).where(PIXELS.c.digest.in_(found.pixels)))
        connection.execute(delete(COMMENTS).where(COMMENTS.c.digest.in_(found.comments)))
    except ProgrammingError:
        raise StoreError(
            "This database role may not delete.", remedy="purge as the owner of the database."
        ) from None
    payload = {"because": because, **asdict(found)}
    return ledger.append(
        connection, "PURGED", actor=actor, case_id=case_id, payload=payload, time=time
    )


def _own_pixels(connection: Connection, case_id: str, records: Iterable[str]) -> set[str]:
    digests = {
        digest
        for record in records
        for shape in json.loads(record)["inputs"].values()
        for digest in digests_of(shape)
    }
    others = select(func.count()).select_from(CASES).where(CASES.c.case_id != case_id)
    return {
        digest
        for digest in digests
        if not connection.execute(others.where(CASES.c.record.contains(digest))).scalar_one()
    }
