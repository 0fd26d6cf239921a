"""When something was known: ISO 8601 times, or days from the decision.

A date without a time of day stands for its first moment, and so do a year and a month: "2019" is
2019-01-01T00:00. A time without a zone is in the cohort's zone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from clinical.case.case import Problem
from clinical.tables.table import Row

OFFSET_EPOCH = datetime(2020, 1, 1, 12, 0, tzinfo=UTC)
"""Stands for the decision time where a source gives only days before or after it.

Many public sets publish offsets instead of dates. The date itself is arbitrary and means nothing;
differences from it do, so the age of a value survives.
"""

LONGEST_OFFSET = 150 * 366.0
"""Days; further than a lifetime from the decision is a mistake in the unit."""

EARLIEST_YEAR = 1850
"""An earlier time is a typing error or a stand-in for "unknown", such as 0001-01-01."""

ISO_REMEDY = "write it as 2024-05-31T14:30 or 2024-05-31T14:30+02:00"


@dataclass(frozen=True)
class Clock:
    """Reads times for one case.

    Attributes:
        zone: of times that name none.
        decision: nothing after it may be used; None if the source does not give it.
    """

    zone: tzinfo
    decision: datetime | None

    def moment(self, file: str, row: Row, column: str) -> datetime | Problem | None:
        """The time in `column`, or `offset_days` before the decision; None where both are empty.

        Returns a `Problem` where the time cannot be read, cannot be placed before or after the
        decision, or is later than it.
        """
        text, days = row[column], row["offset_days"]
        if text and days:
            reason = f"the row gives both {column} and offset_days."
            return Problem(file, reason, row.number, column, "give one of the two")
        if days:
            return self._offset(file, row, days)
        return self._time(file, row, column, text) if text else None

    def _time(self, file: str, row: Row, column: str, text: str) -> datetime | Problem:
        time = instant(text, self.zone)
        if time is None:
            return Problem(file, "the time is not ISO 8601.", row.number, column, ISO_REMEDY)
        if self.decision is None:
            return Problem(
                file,
                "the time cannot be compared, because the case has no decision_time.",
                row.number,
                column,
                "fill in decision_time in the table of cases",
            )
        return self._late(file, row, column) if time > self.decision else time

    def _offset(self, file: str, row: Row, days: str) -> datetime | Problem:
        offset = number(days)
        if offset is None or abs(offset) > LONGEST_OFFSET:
            return Problem(
                file,
                "the offset is not a number of days within a lifetime.",
                row.number,
                "offset_days",
                "write days from the decision, for example -0.5 for twelve hours before",
            )
        if offset > 0:
            return self._late(file, row, "offset_days")
        return (self.decision or OFFSET_EPOCH) + timedelta(days=offset)

    def _late(self, file: str, row: Row, column: str) -> Problem:
        return Problem(
            file,
            "the time is after the decision; nothing later than the decision is used.",
            row.number,
            column,
            "correct the time, or leave the row out",
        )


def instant(text: str, zone: tzinfo) -> datetime | None:
    """An ISO 8601 date or time with its zone, or None if it is neither or of no living person."""
    if re.fullmatch(r"\d{4}", text):
        text += "-01-01"
    elif re.fullmatch(r"\d{4}-\d{2}", text):
        text += "-01"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.year < EARLIEST_YEAR:
        return None
    return time if time.tzinfo else time.replace(tzinfo=zone)


def number(text: str) -> float | None:
    """A finite decimal number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
