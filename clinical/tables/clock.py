"""When something was known: times (`clinical.tables.times`), or days from the decision.

A date without a time of day stands for its first moment, and so do a year and a month: "2019" is
2019-01-01T00:00. A time without a zone is in the cohort's zone. What comes out has a fixed offset
from UTC, because Python compares two times of one named zone by the hands of the clock, which are
turned twice a year.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo

from clinical.case.case import Problem
from clinical.tables import numbers, times
from clinical.tables.form import PLAIN, Form
from clinical.tables.numbers import NumberFormat
from clinical.tables.table import Row
from clinical.tables.times import POINTS, Orders

OFFSET_EPOCH = datetime(2020, 1, 1, 12, 0, tzinfo=UTC)
"""Stands for the decision time where a source gives only days before or after it.

Many public sets publish offsets instead of dates. The date itself is arbitrary and means nothing;
differences from it do, so the age of a value survives.
"""

LONGEST_OFFSET = 150 * 366.0
"""Days; further than a lifetime from the decision is a mistake in the unit."""

FURTHEST_WEST = timedelta(hours=12)
"""No clock shows an earlier hour than that of UTC-12."""

ISO_REMEDY = "write it as 2024-05-31T14:30 or 2024-05-31T14:30+02:00"
ORDER_REMEDY = (
    'write dates = "day first" or dates = "month first" under [columns.{0}] in cohort.toml'
)
ZONE_REMEDY = (
    'write the zone of times without one into cohort.toml, such as time_zone = "Europe/Berlin" or'
    ' "UTC"'
)
LATE = "the time is after the decision; nothing later than the decision is used."
NO_ZONE = "the time names no zone, the decision_time does, and cohort.toml has no time_zone."
ONLY_ZONE = "the time names its zone, the decision_time does not, and cohort.toml has no time_zone."


@dataclass(frozen=True)
class Clock:
    """Reads times for one case.

    Attributes:
        zone: of times that name none.
        decision: nothing after it may be used; None if the source does not give it.
        zoned: whether the decision names its own zone in a cohort that states none, so that times
            which do otherwise cannot be compared with it; None where all can.
    """

    zone: tzinfo
    decision: datetime | None
    zoned: bool | None = None

    def moment(
        self, file: str, row: Row, column: str, form: Form = PLAIN
    ) -> datetime | Problem | None:
        """The time in `column`, or `offset_days` before the decision; None where both are empty.

        Returns a `Problem` where the time cannot be read, cannot be placed before or after the
        decision, or is later than it.
        """
        text, days = row[column], row["offset_days"]
        if text and days:
            reason = f"the row gives both {column} and offset_days."
            return Problem(file, reason, row.number, column, "give one of the two")
        if days:
            return self._offset(file, row, numbers.canonical(days, form.number("offset_days"))[0])
        return self._time(file, row, column, form.order(column)) if text else None

    def made(self, source: Mapping[str, str]) -> datetime | None:
        """The last moment that a file states for itself, or None.

        Args:
            source: of an image or a recording, with "acquired" and, if it is later, "latest_date".
        """
        return instant(source.get("latest_date") or source.get("acquired", ""), self.zone)

    def doubt(self, source: Mapping[str, str], what: str) -> str:
        """Why nobody knows whether a file that its table gives no time for is of before, or "".

        Args:
            source: as in `made`.
            what: it is, such as "image".
        """
        stated = source.get("latest_date") or source.get("acquired", "")
        if self.decision is None:
            return ""
        if not stated:
            return f"nobody says when the {what} was taken; it may be later than the decision."
        if stated[:10] == self.decision.date().isoformat() and not times.names_moment(stated):
            return f"the file gives only the day of the {what}, which is that of the decision."
        return ""

    def unplaced(self, source: Mapping[str, str]) -> str:
        """Why what a file states for itself cannot be compared with the decision, or ""."""
        found = times.read(source.get("latest_date") or source.get("acquired", ""))
        if isinstance(found, str) or self.decision is None:
            return ""
        return self._unplaced(found).replace("the time", "the file's own time", 1)

    def _time(self, file: str, row: Row, column: str, orders: Orders) -> datetime | Problem:
        text = row[column]
        found = times.read(text, orders)
        if isinstance(found, str):
            remedy = ISO_REMEDY
            if found == times.DAY_OR_MONTH:
                remedy = ORDER_REMEDY.format(file.partition(".")[0])
            return Problem(file, found, row.number, column, remedy)
        if self.decision is None:
            return Problem(
                file,
                "the time cannot be compared, because the case has no decision_time.",
                row.number,
                column,
                "fill in decision_time in the table of cases",
            )
        why = self._unplaced(found)
        if why:
            return Problem(file, why, row.number, column, ZONE_REMEDY)
        moment = placed(found, self.zone)
        return self._late(file, row, column) if moment > self.decision else moment

    def _unplaced(self, found: datetime) -> str:
        """Why a time cannot be compared with the decision, or ""."""
        if self.zoned is None or self.zoned == (found.tzinfo is not None):
            return ""
        if not self.zoned:
            return ONLY_ZONE
        whole_day = found.time() == time()
        latest = found.replace(tzinfo=UTC) + FURTHEST_WEST
        # An onset of years ago is before the decision in every zone of the earth.
        return "" if whole_day and self.decision and latest <= self.decision else NO_ZONE

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
        return Problem(file, LATE, row.number, column, "correct the time, or leave the row out")


def within_day(row: Row, moment: datetime | None, days: NumberFormat | None) -> bool:
    """Whether a row says when within a day; midnight is how exports write a day without an hour.

    Args:
        row: the row.
        moment: that its time or its offset was understood as (`Clock.moment`).
        days: format of its offset.
    """
    if moment is None or not row["offset_days"]:
        return moment is not None and moment.time() != time()
    offset = number(numbers.canonical(row["offset_days"], days)[0])
    return offset is not None and not offset.is_integer()


def decision(text: str, zone: tzinfo, orders: Orders = POINTS) -> datetime | str:
    """A decision time, or the sentence that says why it is none.

    An hour that the clock shows twice in one night is taken for the first of the two, so that
    nothing later than the decision is used; of a value it is taken for the second.
    """
    found = times.read(text, orders)
    return found if isinstance(found, str) else placed(found, zone, second=False)


def placed(found: datetime, zone: tzinfo, *, second: bool = True) -> datetime:
    """A time with its offset from UTC.

    An hour that is left out when the clock is put forward is that of a clock which nobody put
    forward: 02:30 is the moment at which the others show 03:30.

    Args:
        found: with or without an offset.
        zone: of a time without.
        second: of an hour that is there twice, whether the second is meant.
    """
    if found.tzinfo is not None:
        return found
    if zone is UTC:
        return found.replace(tzinfo=UTC)
    local = found.replace(tzinfo=zone, fold=int(second))
    offset, other = local.utcoffset(), local.replace(fold=int(not second)).utcoffset()
    if offset is None or other is None:
        return local
    fixed = found.replace(tzinfo=timezone(offset))
    if offset == other or fixed.astimezone(zone).replace(tzinfo=None) == found:
        return fixed
    return found.replace(tzinfo=timezone(min(offset, other)))


def instant(text: str, zone: tzinfo) -> datetime | None:
    """What a file states for itself as a time, or None if it is none or of no living person."""
    found = times.read(text)
    return None if isinstance(found, str) else placed(found, zone)


def number(text: str) -> float | None:
    """A finite decimal number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
