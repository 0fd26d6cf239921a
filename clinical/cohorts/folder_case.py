"""One case of a folder cohort, put together from its rows by the modalities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Sex, Shape
from clinical.cohorts.cohort import Reading, settle
from clinical.modalities.kit import kits
from clinical.tables import clock, demographics
from clinical.tables.case_rows import CaseRows
from clinical.tables.clock import OFFSET_EPOCH, Clock


def assemble(case: CaseRows) -> Iterator[Reading]:
    """The case, or why it is skipped."""
    row, case_id = case.row, case.row["case_id"]
    broken = _broken(case)
    if broken:
        yield SkippedCase(case_id, replace(broken, case_id=case_id))
        return
    decision = case.decision
    problems: list[Problem] = []
    years, sex = _person(case, decision, problems)
    whole = replace(case, age_years=years, sex=sex)
    inputs: dict[str, Shape] = {}
    watch = Clock(case.zone, decision)
    for kit in kits().values():
        if kit.rows:
            inputs |= kit.rows(whole, watch, problems)
    if decision is None and any(r["offset_days"] for rows in case.rows.values() for r in rows):
        decision = OFFSET_EPOCH
    nothing = Problem(
        case.file,
        "no image, measurement, history or note is given for the case.",
        row.number,
        remedy="add a row for it to one of those tables",
    )
    found = Case(case_id, row["patient_id"], decision, inputs, row["site"])
    yield from settle(found, problems, nothing)


def _broken(case: CaseRows) -> Problem | None:
    """Why nothing of the case may be used."""
    row = case.row
    if row.fault:
        return row.fault
    if not row["patient_id"]:
        reason = "the patient_id is empty; the case is not used."
        remedy = "fill it in: cases are split by patient"
        return Problem(case.file, reason, row.number, "patient_id", remedy)
    if row["decision_time"] and case.decision is None:
        reason = "the decision_time is not ISO 8601; the case is not used."
        return Problem(case.file, reason, row.number, "decision_time", clock.ISO_REMEDY)
    return None


def _person(
    case: CaseRows, decision: datetime | None, problems: list[Problem]
) -> tuple[float | None, Sex | None]:
    """Age and sex; age_years is preferred to birth_year."""
    column = "age_years" if case.row["age_years"] else "birth_year"
    if column == "age_years":
        years = demographics.age(case.file, case.row, column)
    else:
        years = demographics.age_from_birth_year(case.file, case.row, column, decision)
    sex = demographics.sex(case.file, case.row, "sex")
    if isinstance(years, Problem):
        problems.append(years)
        years = None
    if isinstance(sex, Problem):
        problems.append(sex)
        sex = None
    return years, sex
