"""Looking through the ledger, newest first, without reading it all: SQL filters and counts.

Nothing is verified here; `clinical.audit.verify` does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from clinical.assessment import AuditEvent
from clinical.audit import ledger
from clinical.database import EVENTS


@dataclass(frozen=True)
class Sought:
    """Which events; what is left out is not asked for.

    Attributes:
        actor: account name.
        kinds: any of these; none for all.
        case_id: of the case, whole.
        since, until: from this moment on, and before that one; with time zone.
    """

    actor: str = ""
    kinds: tuple[str, ...] = ()
    case_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


def newest(
    connection: Connection, sought: Sought, *, limit: int, skip: int = 0
) -> list[AuditEvent]:
    """At most `limit` events, newest first, after the `skip` newest.

    Raises:
        LedgerError: at an event whose payload is not a JSON object.
    """
    query = select(EVENTS).where(*_conditions(sought)).order_by(EVENTS.c.sequence.desc())
    rows = connection.execute(query.limit(limit).offset(skip)).all()
    return [ledger.event_of(row) for row in rows]


def count(connection: Connection, sought: Sought) -> int:
    """How many events there are."""
    query = select(func.count()).select_from(EVENTS).where(*_conditions(sought))
    return int(connection.execute(query).scalar_one())


def actors(connection: Connection) -> list[str]:
    """Everybody who has an event, by name."""
    query = select(EVENTS.c.actor).distinct().order_by(EVENTS.c.actor)
    return list(connection.execute(query).scalars())


def _conditions(sought: Sought) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if sought.actor:
        found.append(EVENTS.c.actor == sought.actor)
    if sought.kinds:
        found.append(EVENTS.c.kind.in_(sought.kinds))
    if sought.case_id:
        found.append(EVENTS.c.case_id == sought.case_id)
    # Times are kept in one form, so they sort as text.
    if sought.since is not None:
        found.append(EVENTS.c.time >= _written(sought.since))
    if sought.until is not None:
        found.append(EVENTS.c.time < _written(sought.until))
    return found


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
