"""One case of a folder cohort, put together from its rows by the modalities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Sex, Shape
from clinical.cohorts import folder_layout
from clinical.cohorts.cohort import Reading, settle
from clinical.modalities.kit import kits
from clinical.tables import clock, demographics, identifiers, times
from clinical.tables.case_rows import CaseRows
from clinical.tables.clock import OFFSET_EPOCH, Clock
from clinical.tables.form import Form
from clinical.tables.sexes import Meaning
from clinical.tables.table import Row


@dataclass(frozen=True)
class CasesRead:
    """How the table of cases is read.

    Attributes:
        zone: of times that name none; None where the cohort does not say.
        form: how its columns are written.
        sexes: what the cells of its column sex mean.
    """

    zone: tzinfo | None
    form: Form
    sexes: Meaning


def decided(row: Row, zone: tzinfo | None, form: Form) -> Clock:
    """The clock of a case; without a decision where its row states none that can be read."""
    text = row["decision_time"]
    found = clock.decision(text, zone or UTC, form.order("decision_time")) if text else None
    if not isinstance(found, datetime):
        return Clock(zone or UTC, None)
    zoned = None if zone else times.names_zone(text)
    return Clock(zone or UTC, found, zoned)


def assemble(case: CaseRows, how: CasesRead) -> Iterator[Reading]:
    """The case, or why it is skipped."""
    row, case_id = case.row, case.row["case_id"]
    watch = decided(row, how.zone, how.form)
    broken = _broken(case, how)
    if broken:
        yield SkippedCase(case_id, replace(broken, case_id=case_id))
        return
    decision = watch.decision
    problems: list[Problem] = []
    years, sex = _person(case, decision, how, problems)
    whole = replace(case, age_years=years, sex=sex, decision=decision)
    inputs: dict[str, Shape] = {}
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


def _broken(case: CaseRows, how: CasesRead) -> Problem | None:
    """Why nothing of the case may be used."""
    row = case.row
    if row.fault:
        return row.fault
    unfit = identifiers.fault(row["patient_id"])
    if unfit:
        remedy = "fill it in: cases are split by patient"
        remedy = identifiers.REMEDY if row["patient_id"] else remedy
        reason = f"the patient_id {unfit}; the case is not used."
        return Problem(case.file, reason, row.number, "patient_id", remedy)
    text = row["decision_time"]
    orders = how.form.order("decision_time")
    found = clock.decision(text, how.zone or UTC, orders) if text else None
    if isinstance(found, str):
        reason = f"{found.replace('the time', 'the decision_time', 1).rstrip('.')};"
        remedy = clock.ISO_REMEDY
        if found == times.DAY_OR_MONTH:
            remedy = clock.ORDER_REMEDY.format("cases")
        return Problem(
            case.file, f"{reason} the case is not used.", row.number, "decision_time", remedy
        )
    return None


def _person(
    case: CaseRows, decision: datetime | None, how: CasesRead, problems: list[Problem]
) -> tuple[float | None, Sex | None]:
    """Age and sex; the first way to say the age that is filled in counts."""
    file, row, form = case.file, case.row, how.form
    given = next((column for column in folder_layout.AGES if row[column]), "age_years")
    match given:
        case "birth_date":
            order = form.order(given)
            years = demographics.age_from_birth_date(file, row, given, decision, order)
        case "birth_year":
            years = demographics.age_from_birth_year(file, row, given, decision)
        case _:
            unit = "m" if given == "age_months" else "y"
            years = demographics.age(file, row, given, form.number(given), unit)
    sex = demographics.sex(file, row, "sex", how.sexes)
    if isinstance(years, Problem):
        problems.append(years)
        years = None
    if isinstance(sex, Problem):
        problems.append(sex)
        sex = None
    return years, sex
