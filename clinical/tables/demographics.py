"""Sex and age as cohorts write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from clinical.case.case import Problem
from clinical.case.shapes import Events, Sex
from clinical.tables import numbers, sexes, times
from clinical.tables.clock import number
from clinical.tables.numbers import POINT, NumberFormat
from clinical.tables.sexes import Meaning
from clinical.tables.table import Row
from clinical.tables.times import POINTS, Orders

OLDEST = 120.0
"""Years. The oldest verified human age is 122; above this an age is a slip of the pen."""

DAYS = 365.25
"""Of a year."""

MEANING: Meaning = {**sexes.WORDS, "m": "male"}
"""Of a cell by itself."""

_UNITS = {
    1.0: "y yr yrs year years j jahr jahre a ans an año años anni",
    1 / 12: "m mo mos mon month months monat monate mois mes meses",
    7 / DAYS: "w wk wks week weeks woche wochen",
    1 / DAYS: "d day days tag tage",
}
YEARS = {word: years for years, words in _UNITS.items() for word in words.split()}
"""Word behind an age, in small letters, to how many years one is. DICOM has 061Y, 018M."""

_AGE = re.compile(r"(?P<number>[-+]?[\d.,]+)\s*(?P<unit>[^\W\d_]+)\.?")


def sex(file: str, row: Row, column: str, meaning: Meaning = MEANING) -> Sex | Problem | None:
    """Sex as recorded for clinical use; None where it is unknown, other or empty.

    Args:
        file, row, column: of the cell.
        meaning: of the column (`clinical.tables.sexes.meaning`).
    """
    found = meaning.get(sexes.cell(row[column]), sexes.NOT_KNOWN)
    if found is None or found == "female" or found == "male":
        return found  # type: ignore[return-value]
    remedy = "write female, male, other or unknown"
    if found != sexes.NOT_KNOWN:
        stem = file.partition(".")[0]
        told = 'sex_values = { "0" = "female", "1" = "male" }'
        remedy += f", or say what the cells mean, such as {told} under [columns.{stem}]"
    return Problem(file, found, row.number, column, remedy)


def age(
    file: str, row: Row, column: str, form: NumberFormat | None = POINT, unit: str = "y"
) -> float | Problem | None:
    """Age in years, None where the cell is empty or a word for a missing value.

    Args:
        file, row, column: of the cell.
        form: number format of the column.
        unit: of a number alone, see `YEARS`.
    """
    text = row[column]
    if not text or text.casefold() in ("nan", "na", "n/a", "null", "none", "unknown", "-", "?"):
        return None
    match = _AGE.fullmatch(text)
    word = match["unit"].casefold() if match else unit
    found, reason = numbers.canonical(match["number"] if match else text, form)
    years = number(found)
    if years is not None and word in YEARS:
        years *= YEARS[word]
        if 0 <= years <= OLDEST:
            return years
    written = f"{reason}; it is left out." if reason else ""
    return Problem(
        file,
        written or f"the age is not a number of years from 0 to {OLDEST:.0f}; it is left out.",
        row.number,
        column,
        "correct it, or leave the cell empty",
    )


def age_from_birth_date(
    file: str, row: Row, column: str, decision: datetime | None, orders: Orders = POINTS
) -> float | Problem | None:
    """Age in years at the decision, to two decimals; right to one year where the cell is a year."""
    if not row[column]:
        return None
    born = times.read(row[column], orders)
    remedy = "write it as 1956-02-29, or leave the cell empty"
    if isinstance(born, str):
        reason = born.replace("the time", "the date of birth").rstrip(".")
        return Problem(file, f"{reason}; it is left out.", row.number, column, remedy)
    if decision is None:
        reason = "the age cannot be known without decision_time."
        return Problem(file, reason, row.number, column, "give decision_time, or age_years")
    # A birthday has no zone: what counts are the two days as their calendars have them.
    days = (decision.replace(tzinfo=UTC) - born.replace(tzinfo=UTC)).days
    if 0 <= days <= OLDEST * DAYS:
        return round(days / DAYS, 2)
    reason = (
        f"the date of birth is not 0 to {OLDEST:.0f} years before the decision; it is left out."
    )
    return Problem(file, reason, row.number, column, remedy)


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
