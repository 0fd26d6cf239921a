"""How long a reading took, not counting idle time.

The rule: time between two signs of life (a run of the page that the reader caused, or a report
that keys, pointer or wheel were used) counts if it is at most `IDLE_AFTER` long; a longer gap does
not count at all. Time while another case was on the screen does not count either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from clinical.review.progress import Reader

IDLE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True)
class Attention:
    """How long a reader has worked on one case in one session.

    Attributes:
        since: when the case was first put on the screen in this session.
        last: the latest sign of life.
        first: the first sign of life after `since`, or None.
        active, idle: time that counts, and time that does not.
    """

    since: datetime
    last: datetime
    first: datetime | None = None
    active: timedelta = timedelta()
    idle: timedelta = timedelta()


def begun(now: datetime) -> Attention:
    """A case comes on the screen."""
    return Attention(now, now)


def noticed(attention: Attention, now: datetime) -> Attention:
    """A sign of life while the case is on the screen."""
    gap = max(timedelta(), now - attention.last)
    first = attention.first or now
    if gap > IDLE_AFTER:
        return replace(attention, last=now, first=first, idle=attention.idle + gap)
    return replace(attention, last=now, first=first, active=attention.active + gap)


def resumed(attention: Attention, now: datetime) -> Attention:
    """The case comes back on the screen; what was between counts neither way."""
    return replace(attention, last=now)


def timed(reader: Reader, attention: Attention | None, signed: datetime) -> dict[str, Any]:
    """Payload of TIMED; times are ISO 8601 in UTC, "" where something did not happen.

    Args:
        reader: how far they came; opened, shown and decided are from the ledger.
        attention: of the session in which they signed, or None where nobody measured.
        signed: the time of signing.
    """
    decided = max((d.time for d in reader.past), default=None)
    return {
        "opened": reader.opened,
        "first_interaction": _text(attention.first if attention else None),
        "machine_shown": reader.shown,
        "decided": _text(decided),
        "signed": _text(signed),
        "measured_since": _text(attention.since if attention else None),
        "active_seconds": _seconds(attention.active) if attention else None,
        "idle_seconds": _seconds(attention.idle) if attention else None,
        "idle_after_seconds": _seconds(IDLE_AFTER),
    }


def _text(time: datetime | None) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds") if time else ""


def _seconds(length: timedelta) -> float:
    return round(length.total_seconds(), 1)
