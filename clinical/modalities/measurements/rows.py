"""Laboratory values and vital signs of a case from measurements.csv."""

from __future__ import annotations

from collections.abc import Mapping

from clinical.case.case import Problem
from clinical.case.shapes import Measurements
from clinical.modalities.measurements.repeats import Taken, settled
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns
from clinical.terms import normalise

TABLE = CaseTable(
    "measurements",
    Columns(("case_id", "code", "value", "unit"), ("specimen",), one_of=("time", "offset_days")),
)
MEASUREMENTS = "measurements"


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Measurements]:
    """Every timely measurement; one that cannot be used is kept raw and reported."""
    taken: list[Taken] = []
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        found = normalise.understand(
            case.codes.get(row["code"], row["code"]),
            row["value"],
            row["unit"],
            time=time,
            sex=case.sex,
            age_years=case.age_years,
            specimen=row["specimen"],
        )
        taken.append(Taken(file, row, found))
        if found.measurement.problem:
            reason = f"{found.measurement.problem}."
            problems.append(Problem(file, reason, row.number, found.column, found.remedy))
    items, repeats = settled(taken)
    problems += repeats
    return {MEASUREMENTS: Measurements(tuple(items))} if items else {}
