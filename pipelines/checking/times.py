"""When the rows of a table were known, against the decision they are to inform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from clinical.tables import clock
from pipelines.checking.columns import ISO, ColumnFound
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
        day_only: that give a day without a time of day.
        decision_day: of these, on the day of the decision: used, whatever the hour.
        naive, zoned: without and with a time zone.
        beside_zoned: without one, where the decision has one.
    """

    file: str
    column: str
    rows: int
    stated: int = 0
    unreadable: int = 0
    after: int = 0
    long_before: int = 0
    day_only: int = 0
    decision_day: int = 0
    naive: int = 0
    zoned: int = 0
    beside_zoned: int = 0


@lru_cache(maxsize=1 << 16)
def _instant(text: str, zone: tzinfo) -> datetime | None:
    found = clock.instant(text, zone)
    return found.astimezone(UTC) if found else None


def of(
    file: str,
    column: str,
    cases: Sequence[str],
    cells: Sequence[str],
    decisions: Mapping[str, str],
    zone: tzinfo,
) -> TimesFound:
    """Compare a column with the decisions.

    Args:
        file, column: of the table.
        cases, cells: case and time of each row.
        decisions: case to decision time, as written.
        zone: of times that name none.
    """
    counts = dict.fromkeys(TimesFound.__dataclass_fields__, 0)
    for case, cell in zip(cases, cells, strict=True):
        if not cell:
            continue
        for name in _about(cell, decisions.get(case, ""), zone):
            counts[name] += 1
    told = {name: n for name, n in counts.items() if name not in ("file", "column", "rows")}
    return TimesFound(file, column, len(cells), **told)


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


@lru_cache(maxsize=1 << 16)
def _about(cell: str, decision: str, zone: tzinfo) -> tuple[str, ...]:
    """Every count that one row adds to."""
    time = _instant(cell, zone)
    if time is None:
        return ("unreadable",)
    shape = ISO.fullmatch(cell)
    day_only = shape is None or not shape[2]
    zoned = shape is not None and bool(shape[3])
    told = ["stated", "zoned" if zoned else "naive"]
    told += ["day_only"] if day_only else []
    when = _instant(decision, zone) if decision else None
    if when is None:
        return tuple(told)
    stated = ISO.fullmatch(decision)
    if not zoned and stated is not None and stated[3]:
        told.append("beside_zoned")
    if time > when:
        told.append("after")
    elif when - time > LONG_BEFORE:
        told.append("long_before")
    if day_only and stated is not None and stated[2] and cell[:10] == decision[:10]:
        told.append("decision_day")
    return tuple(told)


def findings(found: TimesFound, *, zone_stated: bool) -> Iterator[Finding]:
    """What is to be decided about the times of a table."""
    place = f"{found.file}, column {found.column}"
    if found.beside_zoned and not zone_stated:
        yield Finding(
            "decide",
            place,
            "Times without a zone stand beside decisions with one; hours may be off.",
            'write time_zone = "..." into cohort.toml',
            found.beside_zoned,
        )
    if found.decision_day:
        yield Finding(
            "decide",
            place,
            "Rows are dated with the day of the decision and no hour; they are used, whatever the"
            " hour of the decision.",
            "give the time of day, or move these rows to the day after",
            found.decision_day,
        )
    if found.unreadable:
        yield Finding(
            "know",
            place,
            "The times cannot be read; the rows are not used.",
            clock.ISO_REMEDY,
            found.unreadable,
        )
    if found.after:
        share = found.after / found.rows
        level = "decide" if share > MOST_AFTER and found.column != "onset" else "know"
        yield Finding(
            "decide" if level == "decide" else "know",
            place,
            f"{share:.0%} of the rows are later than the decision, and not used.",
            "is decision_time the moment of the decision?" if level == "decide" else "",
            found.after,
        )


def unread(file: str, columns: Sequence[ColumnFound], known: Sequence[str]) -> Iterator[Finding]:
    """Columns that hold times in a table that has none that is read."""
    has_one = any(c.name in ("time", "onset", "offset_days") and c.filled for c in columns)
    for column in columns:
        if column.kind == "times" and column.name not in known and not has_one:
            yield Finding(
                "decide",
                f"{file}, column {column.name}",
                f"The column holds times ({column.form}), and the table has no other; whether its"
                " rows are later than the decision cannot be known.",
                f"name it {'onset' if 'onset' in known else 'time'}, or map it in [columns]",
                column.filled,
            )
