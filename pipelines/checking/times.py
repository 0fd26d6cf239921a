"""When the rows of a table were known, against the decision they are to inform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, time, timedelta, tzinfo
from typing import Any

from clinical.tables import clock, times
from clinical.tables.times import Orders
from pipelines.checking.findings import Finding

LONG_BEFORE = timedelta(days=366)
MOST_AFTER = 0.2
"""Share of rows after the decision from which one asks whether the decision is the right moment."""


@dataclass(frozen=True)
class TimesFound:
    """The times of one table.

    Attributes:
        file, column: where they stand.
        rows: of the table.
        stated: with a time.
        unreadable: with something else.
        after: later than the decision, so not used.
        long_before: more than a year before it.
        day_only: that give a day without a time of day; 00:00 is one where all cells have it.
        decision_day: of these, on the day of the decision: used, whatever the hour.
        naive, zoned: without and with a time zone.
        beside_zoned: without one, where the decision has one.
    """

    file: str
    column: str
    rows: int = 0
    stated: int = 0
    unreadable: int = 0
    after: int = 0
    long_before: int = 0
    day_only: int = 0
    decision_day: int = 0
    naive: int = 0
    zoned: int = 0
    beside_zoned: int = 0


@dataclass(frozen=True)
class Decisions:
    """The decisions of a cohort.

    Attributes:
        written: case to decision time, as written.
        orders: of day and month in them.
        zone: of times that name none; None where the cohort does not say.
    """

    written: Mapping[str, str]
    orders: Orders
    zone: tzinfo | None


def of(
    column: tuple[str, str],
    rows: Iterable[tuple[str, str]],
    orders: Orders,
    decisions: Decisions,
) -> TimesFound:
    """Compare a column with the decisions.

    Args:
        column: file and name.
        rows: case and time of each row.
        orders: of day and month in the column.
        decisions: to compare with.
    """
    counts = Counter[str]()
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    for case, cell in rows:
        pair = (cell, decisions.written.get(case, ""))
        if pair not in known:
            known[pair] = _about(*pair, orders, decisions) if cell else ()
        counts.update(("rows", *known[pair]))
    midnights = {name: counts.pop(f"{name} at 00:00", 0) for name in ("day_only", "decision_day")}
    file, name = column
    # An onset is a day by nature; where one is written with 00:00, nobody is asked about it.
    if not counts.pop("hours", 0) and name != "onset":
        counts.update(midnights)
    told: dict[str, Any] = dict(counts)
    return TimesFound(file, name, **told)


def offsets(file: str, cells: Sequence[str]) -> TimesFound:
    """The same for days from the decision."""
    days = [clock.number(cell) for cell in cells if cell]
    known = [day for day in days if day is not None]
    return TimesFound(
        file,
        "offset_days",
        len(cells),
        stated=len(days),
        unreadable=len(days) - len(known),
        after=sum(day > 0 for day in known),
        long_before=sum(day < -LONG_BEFORE.days for day in known),
    )


def _about(cell: str, decision: str, orders: Orders, decisions: Decisions) -> tuple[str, ...]:
    """Every count that one row adds to."""
    found = times.read(cell, orders)
    if isinstance(found, str):
        return ("unreadable",)
    midnight, mark = found.time() == time(), " at 00:00" if times.names_hour(cell) else ""
    zoned = found.tzinfo is not None
    told = ["stated", "zoned" if zoned else "naive", f"day_only{mark}" if midnight else "hours"]
    stated = times.read(decision, decisions.orders) if decision else ""
    if isinstance(stated, str):
        return tuple(told)
    zone = decisions.zone or UTC
    if not zoned and stated.tzinfo is not None:
        told.append("beside_zoned")
    moment, when = clock.placed(found, zone), clock.placed(stated, zone, second=False)
    if moment > when:
        told.append("after")
    elif when - moment > LONG_BEFORE:
        told.append("long_before")
    if midnight and stated.time() != time() and found.date() == stated.date():
        told.append(f"decision_day{mark}")
    return tuple(told)


def findings(found: TimesFound) -> Iterator[Finding]:
    """What is to be decided about the times of a table; what cannot be read the reader says."""
    place = f"{found.file}, column {found.column}"
    if found.decision_day:
        yield Finding(
            "decide",
            place,
            "Rows are dated with the day of the decision and no hour; they are used, whatever the"
            " hour of the decision.",
            "give the time of day, or move these rows to the day after",
            found.decision_day,
        )
    share = found.after / found.rows if found.rows else 0.0
    if share > MOST_AFTER and found.column != "onset":
        yield Finding(
            "decide",
            place,
            f"{share:.0%} of the rows are later than the decision, and not used.",
            "is decision_time the moment of the decision?",
            found.after,
        )
