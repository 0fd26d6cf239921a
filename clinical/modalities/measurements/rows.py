"""Laboratory values and vital signs of a case from measurements.csv."""

from __future__ import annotations

from collections.abc import Mapping

from clinical.case.case import Problem
from clinical.case.shapes import Measurement, Measurements
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row
from clinical.terms import loinc, normalise

TABLE = CaseTable(
    "measurements",
    Columns(("case_id", "code", "value", "unit"), one_of=("time", "offset_days")),
)
MEASUREMENTS = "measurements"


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Measurements]:
    """Every timely measurement; one that cannot be normalised is kept raw and reported."""
    items: list[Measurement] = []
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        item = normalise.measurement(
            case.codes.get(row["code"], row["code"]),
            row["value"],
            row["unit"],
            time=time,
            sex=case.sex,
            age_years=case.age_years,
        )
        items.append(item)
        if item.problem:
            column, remedy = _blame(case, row)
            problems.append(Problem(file, f"{item.problem}.", row.number, column, remedy))
    return {MEASUREMENTS: Measurements(tuple(items))} if items else {}


def _blame(case: CaseRows, row: Row) -> tuple[str, str]:
    """Which cell keeps a measurement from being used, and what to do."""
    term = loinc.lookup(case.codes.get(row["code"], row["code"]))
    if term is None:
        return "code", "use a LOINC code or a name from the table of measurements"
    if term.read_unit(row["unit"]) is None:
        return "unit", "write one of the accepted units"
    return "value", "correct the value or its unit, or leave the row out"
