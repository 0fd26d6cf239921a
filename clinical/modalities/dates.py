"""Times of inputs that leave the house: counted back from a date that nobody takes for one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGIN = datetime(2100, 1, 1, tzinfo=UTC)
"""Stands for the decision time in a case, and for the first event in its events: all times are
counted from there. So far ahead that nobody takes it for a date."""

OLDEST = 89  # years; from 90 on ages are one class: 45 CFR 164.514(b)(2)(i)(C)
POOLED = float(OLDEST + 1)

LEFT_OUT = "left out"
OTHER = "other"


def age(years: float | None) -> float | None:
    """Whole years; `POOLED` stands for 90 and more."""
    return None if years is None else min(float(int(years)), POOLED)


def counted_before(time: datetime | None, decision: datetime | None) -> datetime | None:
    """The same interval before `BEGIN`; None where it is not known or not to be counted."""
    if time is None or decision is None or (time.tzinfo is None) != (decision.tzinfo is None):
        return None
    return BEGIN - (decision - time)


def years_before(time: datetime | None, decision: datetime | None) -> datetime | None:
    """Like `counted_before`, in whole years and never more than `POOLED`: it may tell of an age."""
    moved = counted_before(time, decision)
    if moved is None:
        return None
    years = (BEGIN - moved) // timedelta(days=365.25)
    return BEGIN.replace(year=BEGIN.year - min(max(years, 0), int(POOLED)))
