"""How numbers, times and names read in an export."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = (  # minutes in one, symbol, used below this many
    (1.0, "min", 90),
    (60.0, "h", 48),
    (1440.0, "d", 120),
    (30.44 * 1440, "mo", 24),
)
_NEVER_CERTAIN = {"0": "<1%", "100": ">99%"}


def percent(probability: float) -> str:
    """A probability as whole per cent; certainty is never claimed."""
    if probability < 0.01:
        return "<1%"
    if probability > 0.99:
        return ">99%"
    return f"{probability:.0%}"


def points(change: float) -> str:
    """A change of probability in points, with its sign."""
    return f"{100 * change:+.1f} points".replace("-", "−")


def moment(time: datetime | str | None) -> str:
    """A time to the minute, in UTC where it has a time zone; an em dash where it is unknown."""
    if not time:
        return "—"
    value = datetime.fromisoformat(time) if isinstance(time, str) else time
    if value.tzinfo is None:
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(length: timedelta) -> str:
    """A length of time in its largest fitting unit: "40 min", "3 h", "12 d"."""
    minutes = length.total_seconds() / 60
    for size, symbol, limit in _UNITS:
        if minutes < limit * size:
            return f"{minutes / size:.0f} {symbol}"
    return f"{minutes / (365.25 * 1440):.0f} y"


def number(value: float) -> str:
    """A measured value with up to five significant digits and no exponent for usual sizes."""
    return f"{value:.5g}"


def uncertain(sentence: str) -> str:
    """A recorded sentence with no bare 0% or 100%, which is never certain: "<1%", ">99%"."""
    return re.sub(r"(?<![\d.])(0|100)%", lambda found: _NEVER_CERTAIN[found[1]], sentence)
