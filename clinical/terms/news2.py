"""NEWS2, the National Early Warning Score (Royal College of Physicians 2017), from what is there.

news2.csv is the chart of the college: seven parts, and the points of each range of values, ends
included, in the unit of the table of measurements and to the decimals the chart is written in.
Saturation is judged on scale 1. Whether a patient breathes oxygen, and how awake they are, are not
among the measurements: both parts are always "not recorded". A part that is not recorded adds no
points and is said to be missing, so the score of a part of the chart is a lower bound.

NEWS2 is for people of 16 years and older and not for pregnancy (RCP 2017, section 3).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources

from clinical.case.shapes import Measurement
from clinical.errors import TermError
from clinical.terms.latest import by_term, latest
from clinical.terms.loinc import lookup
from clinical.terms.normalise import convert

FROM_AGE = 16.0
WINDOW_HOURS = 24.0
"""How long before the decision a value may have been taken to count."""

URGENT, EMERGENCY = 5, 7
"""Scores from which the college asks for an urgent and for an emergency response."""
RED = 3
"""Points of a single part that ask for an urgent review by themselves."""


@dataclass(frozen=True)
class Step:
    """One range of values of a part, both ends included, and its points."""

    low: Decimal | None
    high: Decimal | None
    points: int


@dataclass(frozen=True)
class Row:
    """One part of the chart; `code` is "" where nothing that is measured tells it."""

    part: str
    code: str
    decimals: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Part:
    """One part of a score; `points` and `measured` are None where it was not recorded."""

    name: str
    points: int | None = None
    measured: Measurement | None = None


@dataclass(frozen=True)
class Score:
    """A NEWS2 with its parts, in the order of the chart."""

    parts: tuple[Part, ...]

    @property
    def points(self) -> int:
        """Of the parts that were recorded: at least so many."""
        return sum(part.points or 0 for part in self.parts)

    @property
    def recorded(self) -> int:
        """How many of the parts were recorded."""
        return sum(part.points is not None for part in self.parts)

    @property
    def red(self) -> bool:
        """Whether a single part has three points."""
        return any(part.points == RED for part in self.parts)


@cache
def chart() -> tuple[Row, ...]:
    """The chart of the Royal College of Physicians, as news2.csv has it."""
    text = resources.files("clinical.terms").joinpath("news2.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return tuple(
        Row(
            part,
            next(row["code"] for row in rows if row["part"] == part),
            int(next(row["decimals"] for row in rows if row["part"] == part) or 0),
            tuple(
                Step(_bound(row["low"]), _bound(row["high"]), int(row["points"]))
                for row in rows
                if row["part"] == part and row["points"]
            ),
        )
        for part in dict.fromkeys(row["part"] for row in rows)
    )


def points(row: Row, value: float) -> int:
    """Points of a value in the unit of the chart, rounded as the chart is written."""
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-row.decimals), ROUND_HALF_UP)
    return next(
        step.points
        for step in row.steps
        if (step.low is None or rounded >= step.low) and (step.high is None or rounded <= step.high)
    )


def score(
    measured: Sequence[Measurement], decision: datetime | None, age_years: float | None
) -> Score | None:
    """The score from the latest value of each part within `WINDOW_HOURS` before the decision.

    None below the age of 16, and where no part is recorded. A person of unknown age is taken for
    an adult, as everywhere in the tables.
    """
    if age_years is not None and age_years < FROM_AGE:
        return None
    values = by_term(measured)
    parts = tuple(_part(row, values.get(row.code, ()), decision) for row in chart())
    found = Score(parts)
    return found if found.recorded else None


def _part(row: Row, measured: Sequence[Measurement], decision: datetime | None) -> Part:
    term = lookup(row.code) if row.code else None
    found = latest(measured, decision, WINDOW_HOURS)
    if term is None or found is None or found.value is None:
        return Part(row.part)
    try:
        value = convert(found.value, found.unit, term)
    except TermError:
        return Part(row.part)
    return Part(row.part, points(row, value), found)


def _bound(text: str) -> Decimal | None:
    return Decimal(text) if text else None
