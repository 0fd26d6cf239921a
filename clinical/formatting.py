"""How numbers, times and names read in an export."""

from __future__ import annotations

from datetime import UTC, datetime


def percent(probability: float) -> str:
    """A probability as whole per cent; certainty is never claimed."""
    if probability < 0.01:
        return "<1%"
    if probability > 0.99:
        return ">99%"
    return f"{probability:.0%}"


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


def limits(reference: tuple[float | None, float | None]) -> str:
    """A reference range: "3.5-5.1" with an en dash, "≤ 5", "≥ 90", or "" if there is none."""
    low, high = reference
    if low is None and high is None:
        return ""
    if low is None:
        return f"≤ {number(high or 0.0)}"
    if high is None:
        return f"≥ {number(low)}"
    return f"{number(low)}–{number(high)}"
