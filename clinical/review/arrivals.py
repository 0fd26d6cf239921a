"""What came to the worklist since somebody looked at it: how much, and nothing of what."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from clinical.workspace.layout import EVENTS


class Arrivals(NamedTuple):
    """Counts since an event.

    Attributes:
        cases: that the workspace did not have before.
        adjudicated: cases that this reader had signed and somebody adjudicated.
    """

    cases: int = 0
    adjudicated: int = 0


def since(connection: Connection, sequence: int, name: str) -> Arrivals:
    """What came after the event with this number, for an account."""
    later = EVENTS.c.sequence > sequence
    brought = select(EVENTS.c.case_id).where(later, EVENTS.c.kind.in_(("ASSESSED", "IMPORTED")))
    first = (
        select(EVENTS.c.case_id)
        .where(EVENTS.c.case_id.in_(brought))
        .group_by(EVENTS.c.case_id)
        .having(func.min(EVENTS.c.sequence) > sequence)
    )
    signed = select(EVENTS.c.case_id).where(EVENTS.c.kind == "SIGNED", EVENTS.c.actor == name)
    settled = select(func.count(EVENTS.c.case_id.distinct())).where(
        later, EVENTS.c.kind == "ADJUDICATED", EVENTS.c.case_id.in_(signed)
    )
    cases = select(func.count()).select_from(first.subquery())
    return Arrivals(
        connection.execute(cases).scalar_one(), connection.execute(settled).scalar_one()
    )
