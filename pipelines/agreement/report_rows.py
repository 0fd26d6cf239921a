"""Rows of the agreement report: which of them are shown, and how their figures read."""

from __future__ import annotations

from typing import Protocol, TypeVar

from clinical.review.kappa import Kappa
from pipelines.agreement.cells import ALL, LEAST
from pipelines.statistics.metrics import Interval

FEW = "too few"
NOTHING = "-"
MOST_DRAWN = 30
"""Rows of one figure that an A4 page shows in letters that can be read."""


class InMonth(Protocol):
    """A row of one model in one month."""

    @property
    def model(self) -> str:
        """Of which model."""

    @property
    def period(self) -> str:
        """Month, or all."""


class InCell(InMonth, Protocol):
    """A row of a cell."""

    @property
    def reader(self) -> str:
        """Account name, or all."""


InOne = TypeVar("InOne", bound=InCell)


def percent(found: Interval, digits: int = 0) -> str:
    """A share with its interval; that too few are counted, or a dash where there are none."""
    if found.value is None or found.low is None or found.high is None:
        return FEW if found.cases else NOTHING
    form = f".{digits}f"
    low, high = found.low * 100, found.high * 100
    return f"{found.value:.{digits}%} [{low:{form}}, {high:{form}}]"


def kappa(found: Kappa) -> str:
    """Kappa with its interval, or why there is none."""
    if found.cases < LEAST:
        return FEW if found.cases else NOTHING
    if found.value is None:
        return "not defined"
    if found.low is None or found.high is None:
        return f"{found.value:.2f}"
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def who(reader: str) -> str:
    """A reader, or all of them."""
    return reader if reader != ALL else "All readers"


def when(period: str) -> str:
    """A month, or all of them."""
    return period if period != ALL else "All months"


def worth_drawing(rows: list[InOne]) -> list[InOne]:
    """Rows that a figure shows: where they are many, no single reader in a single month."""
    if len(rows) <= MOST_DRAWN:
        return rows
    return [row for row in rows if ALL in (row.reader, row.period)]


def where(row: InCell) -> str:
    """Month and reader of a row."""
    return f"{when(row.period)}, {row.reader or 'all readers'}"
