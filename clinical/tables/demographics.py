"""Sex and age as cohorts write them."""

from __future__ import annotations

from datetime import datetime

from clinical.case.case import Problem
from clinical.case.shapes import Events, Sex
from clinical.tables.clock import number
from clinical.tables.table import Row

OLDEST = 120.0
"""Years. The oldest verified human age is 122; above this an age is a slip of the pen."""

SEXES: dict[str, Sex | None] = {
    "female": "female",
    "f": "female",
    "w": "female",
    "male": "male",
    "m": "male",
    "": None,
    "unknown": None,
    "other": None,
}


def sex(file: str, row: Row, column: str) -> Sex | Problem | None:
    """Sex as recorded for clinical use; None where it is unknown, other or empty."""
    found = row[column].lower()
    if found in SEXES:
        return SEXES[found]
    return Problem(
        file,
        "the sex is not known to this reader; it is left out.",
        row.number,
        column,
        "write female, male, other or unknown",
    )


def age(file: str, row: Row, column: str) -> float | Problem | None:
    """Age in years, None where the cell is empty."""
    if not row[column]:
        return None
    years = number(row[column])
    if years is not None and 0 <= years <= OLDEST:
        return years
    return Problem(
        file,
        f"the age is not a number of years from 0 to {OLDEST:.0f}; it is left out.",
        row.number,
        column,
        "correct it, or leave the cell empty",
    )


def age_from_birth_year(
    file: str, row: Row, column: str, decision: datetime | None
) -> float | Problem | None:
    """Age in whole years at the decision; a birth year alone is right to within one year."""
    if not row[column]:
        return None
    if decision is None:
        reason = "the age cannot be known without decision_time."
        return Problem(file, reason, row.number, column, "give decision_time, or age_years")
    year = number(row[column])
    if year is not None and year == int(year) and 0 <= decision.year - year <= OLDEST:
        return decision.year - year
    return Problem(
        file,
        f"the birth year is not 0 to {OLDEST:.0f} years before the decision; it is left out.",
        row.number,
        column,
        "write four digits, or leave the cell empty",
    )


def person(
    file: str, row: Row, age_column: str, sex_column: str, problems: list[Problem]
) -> Events:
    """Age and sex without events; what cannot be used is added to `problems`."""
    years, found = age(file, row, age_column), sex(file, row, sex_column)
    problems.extend(item for item in (years, found) if isinstance(item, Problem))
    return Events(
        age_years=None if isinstance(years, Problem) else years,
        sex=None if isinstance(found, Problem) else found,
    )
