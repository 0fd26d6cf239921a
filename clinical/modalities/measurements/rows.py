"""Laboratory values and vital signs of a case from measurements.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clinical.case.case import Problem
from clinical.case.shapes import Measurement, Measurements
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row
from clinical.terms import loinc, normalise

TABLE = CaseTable(
    "measurements",
    Columns(("case_id", "code", "value", "unit"), one_of=("time", "offset_days")),
    numbers=("value",),
)
MEASUREMENTS = "measurements"
SAY_FORMAT = 'write decimal = "." or decimal = "," under [csv.measurements] in cohort.toml'


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Measurements]:
    """Every timely measurement; one that cannot be normalised is kept raw and reported."""
    items: list[Measurement] = []
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        number, unread = case.number(TABLE.stem, row, "value")
        item = normalise.measurement(
            row["code"],
            number,
            row["unit"],
            time=time,
            sex=case.sex,
            age_years=case.age_years,
        )
        if unread:
            item = replace(item, value=None, unit="", problem=unread)
        if number != row["value"]:
            item = replace(item, raw_value=row["value"])  # as it was written
        items.append(item)
        if item.problem:
            column, remedy = ("value", SAY_FORMAT) if unread else _blame(row)
            problems.append(Problem(file, f"{item.problem}.", row.number, column, remedy))
    return {MEASUREMENTS: Measurements(tuple(items))} if items else {}


def _blame(row: Row) -> tuple[str, str]:
    """Which cell keeps a measurement from being used, and what to do."""
    term = loinc.lookup(row["code"])
    if term is None:
        return "code", "use a LOINC code or a name from the table of measurements"
    if term.read_unit(row["unit"]) is None:
        return "unit", "write one of the accepted units"
    return "value", "correct the value or its unit, or leave the row out"
