"""Search the ledger, newest first, without reading all of it: SQL filters and counts.

Nothing is verified here; `clinical.audit.verify` does that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.workspace.layout import EVENTS


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


@dataclass(frozen=True)
class Guesses:
    """Refused attempts to be one account.

    Attributes:
        actor: the account, or the name under which those without one are recorded.
        times: how many.
        last: when the latest of them was recorded, as in its event.
    """

    actor: str
    times: int
    last: str


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


def last(connection: Connection, sought: Sought, holding: str) -> AuditEvent | None:
    """The newest event whose payload, as canonical JSON, has these signs in it; None without one.

    Raises:
        LedgerError: if its payload is not a JSON object.
    """
    held = EVENTS.c.payload.contains(holding, autoescape=True)
    query = select(EVENTS).where(*_conditions(sought), held).order_by(EVENTS.c.sequence.desc())
    row = connection.execute(query.limit(1)).one_or_none()
    return ledger.event_of(row) if row else None


def count(connection: Connection, sought: Sought) -> int:
    """How many events there are."""
    query = select(func.count()).select_from(EVENTS).where(*_conditions(sought))
    return int(connection.execute(query).scalar_one())


def actors(connection: Connection) -> list[str]:
    """Everybody who has an event, by name."""
    query = select(EVENTS.c.actor).distinct().order_by(EVENTS.c.actor)
    return list(connection.execute(query).scalars())


def guesses(connection: Connection, since: datetime, *, least: int) -> list[Guesses]:
    """Who was refused a sign-in, or gave a wrong password, `least` times or more since a moment.

    What a role does not allow, or another page asked for, is not counted. A sign-in that succeeded
    in between changes nothing: it may have been the guesser's.

    Returns:
        The most often refused first.
    """
    query = (
        select(EVENTS.c.actor, EVENTS.c.payload, func.count(), func.max(EVENTS.c.time))
        .where(*_conditions(Sought(kinds=("REFUSED",), since=since)))
        .where(EVENTS.c.payload.not_like('%"why":"role"%'))  # canonical JSON: one way to write it
        .where(EVENTS.c.payload.not_like('%"why":"origin"%'))
        .group_by(EVENTS.c.actor, EVENTS.c.payload)
    )
    found: dict[str, Guesses] = {}
    for actor, payload, events, last in connection.execute(query):
        before = found.get(actor, Guesses(actor, 0, ""))
        times = before.times + events * _times(payload)
        found[actor] = Guesses(actor, times, max(before.last, last))
    often = [guesses for guesses in found.values() if guesses.times >= least]
    return sorted(often, key=lambda guesses: (-guesses.times, guesses.actor))


def _times(payload: str) -> int:
    """How many refusals an event stands for (`times`); 1 where it says nothing that can be."""
    try:
        times = json.loads(payload).get("times", 1)
    except (ValueError, AttributeError):
        return 1
    return times if isinstance(times, int) and times > 0 else 1


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
