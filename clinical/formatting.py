"""How numbers, times and names read in an export."""

from __future__ import annotations

import re
from datetime import UTC, datetime

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


def number(value: float) -> str:
    """A measured value with up to five significant digits and no exponent for usual sizes."""
    return f"{value:.5g}"


def uncertain(sentence: str) -> str:
    """A recorded sentence with no bare 0% or 100%, which is never certain: "<1%", ">99%"."""
    return re.sub(r"(?<![\d.])(0|100)%", lambda found: _NEVER_CERTAIN[found[1]], sentence)
