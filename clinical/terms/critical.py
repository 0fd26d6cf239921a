"""Values nobody should overlook: the published critical limits in critical.csv.

critical.csv has one row per LOINC term and band of age (years, from inclusive, to exclusive), with
limits in the unit of the table of measurements, how long before a decision a value still stands
(hours), and where the limits come from. An age that no row covers has no critical limit: a child
is never judged as an adult. Below one month most limits are left out, because they depend on days.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Literal

from clinical.case.shapes import Measurement
from clinical.errors import TermError
from clinical.terms.latest import by_term, latest
from clinical.terms.loinc import ADULT_FROM, lookup
from clinical.terms.normalise import convert

Side = Literal["low", "high"]


@dataclass(frozen=True)
class Limit:
    """Where a value begins to be critical; `inclusive` if the limit itself is."""

    value: float
    inclusive: bool


@dataclass(frozen=True)
class Row:
    """One row of critical.csv.

    Attributes:
        ages: years, from (inclusive) and to (exclusive).
        low, high: limits in the unit of the term, or None.
        hours: how long before a decision a value may have been taken and still stands.
        source: who published the limits.
    """

    ages: tuple[float, float]
    low: Limit | None
    high: Limit | None
    hours: float
    source: str

    def side(self, value: float) -> Side | None:
        """On which side a value in the unit of the term is critical, or None."""
        low, high = self.low, self.high
        if low and (value < low.value or (low.inclusive and value == low.value)):
            return "low"
        if high and (value > high.value or (high.inclusive and value == high.value)):
            return "high"
        return None


@dataclass(frozen=True)
class Found:
    """A critical value of a case, the side it is on, and where the limit comes from."""

    measured: Measurement
    side: Side
    source: str


@cache
def rows() -> dict[str, tuple[Row, ...]]:
    """critical.csv by LOINC code."""
    text = resources.files("clinical.terms").joinpath("critical.csv").read_text(encoding="utf-8")
    found: dict[str, list[Row]] = defaultdict(list)
    for row in csv.DictReader(text.splitlines()):
        found[row["code"]].append(
            Row(
                (float(row["age_from"]), float(row["age_to"] or "inf")),
                _limit(row["low"]),
                _limit(row["high"]),
                float(row["hours"]),
                row["source"],
            )
        )
    return {code: tuple(listed) for code, listed in found.items()}


def row_for(code: str, age_years: float | None) -> Row | None:
    """The limits of a term at an age; those of adults where the age is not known."""
    age = ADULT_FROM if age_years is None else age_years
    fitting = (row for row in rows().get(code, ()) if row.ages[0] <= age < row.ages[1])
    return next(fitting, None)


def critical(measured: Measurement, age_years: float | None = None) -> Side | None:
    """The side on which a value is critical, or None; None too where no limits are published.

    A bound is critical only where every value that it allows is.
    """
    term = lookup(measured.code)
    row = row_for(term.code, age_years) if term else None
    if term is None or row is None or measured.value is None:
        return None
    try:
        side = row.side(convert(measured.value, measured.unit, term))
    except TermError:
        return None
    open_ended = {"low": (">", "≥"), "high": ("<", "≤")}
    return None if side is None or measured.bound in open_ended[side] else side


def critical_now(
    measured: Sequence[Measurement], decision: datetime | None, age_years: float | None
) -> tuple[Found, ...]:
    """What is critical among the latest values before a decision, in the order of critical.csv."""
    found = []
    values = by_term(measured)
    for code in rows():
        row = row_for(code, age_years) if code in values else None
        item = latest(values[code], decision, row.hours) if row else None
        side = critical(item, age_years) if item else None
        if row and item and side:
            found.append(Found(item, side, row.source))
    return tuple(found)


def _limit(text: str) -> Limit | None:
    """ "<=2.5", ">=6.5", "<90" or ">4" as a limit."""
    if not text:
        return None
    return Limit(float(text.lstrip("<>=")), "=" in text)
