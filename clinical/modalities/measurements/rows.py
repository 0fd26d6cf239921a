"""Laboratory values and vital signs of a case from measurements.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clinical.case.case import Problem
from clinical.case.shapes import Measurements
from clinical.modalities.measurements.repeats import Taken, settled
from clinical.tables import clock
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.form import PLAIN
from clinical.tables.table import Columns
from clinical.terms import normalise
from clinical.terms.normalise import Understood

TABLE = CaseTable(
    "measurements",
    Columns(("case_id", "code", "value", "unit"), ("specimen",), one_of=("time", "offset_days")),
    numbers=("value",),
)
MEASUREMENTS = "measurements"
SAY_FORMAT = 'write decimal = "." or decimal = "," under [csv.measurements] in cohort.toml'


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Measurements]:
    """Every timely measurement; one that cannot be used is kept raw and reported."""
    taken: list[Taken] = []
    form = case.forms.get(TABLE.stem, PLAIN)
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        number, unread = case.number(TABLE.stem, row, "value")
        found = normalise.understand(
            case.codes.get(row["code"], row["code"]),
            number,
            row["unit"],
            time=time,
            sex=case.sex,
            age_years=case.age_years,
            specimen=row["specimen"],
        )
        within_day = clock.within_day(row, time, form.number("offset_days"))
        taken.append(Taken(file, row, _as_written(found, row["value"], unread), within_day))
        if taken[-1].understood.measurement.problem:
            told = taken[-1].understood
            reason = f"{told.measurement.problem}."
            problems.append(Problem(file, reason, row.number, told.column, told.remedy))
    items, repeats = settled(taken)
    problems += repeats
    return {MEASUREMENTS: Measurements(tuple(items))} if items else {}


def _as_written(found: Understood, cell: str, unread: str) -> Understood:
    """With the cell as the source has it, and without a value where its number cannot be read."""
    if not unread and found.measurement.raw_value == cell:
        return found
    item = replace(found.measurement, raw_value=cell)
    if not unread:
        return replace(found, measurement=item)
    kept = replace(item, value=None, unit="", bound="", problem=unread)
    return Understood(kept, "value", SAY_FORMAT)
