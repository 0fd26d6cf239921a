"""The triage sheet of a ward: one CSV table, one visit a row.

A visit is a case. All values count as known when the patient arrived, so that is the decision time.

- `history`: sex and age.
- `measurements`: temperature (degrees Fahrenheit), CRP (mg/dL), white cells (10*3/uL); the terms
  table turns them into the units that a model expects, or keeps them raw and says why.
- `notes`: the complaint, as written.

Outcome: `admitted`, empty where it is not known yet.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import Events, Measurement, Measurements, Shape, Text, Texts
from clinical.cohorts.cohort import (
    CaseEntry,
    CohortDescription,
    Diagnosis,
    Reading,
    kept_raw,
    settle,
)
from clinical.errors import CohortError
from clinical.tables import clock, demographics, table
from clinical.tables.table import Columns, Row
from clinical.terms import normalise

NAME = "triage_sheet"
FILE = "triage.csv"
ZONE = UTC

MEASURED: Mapping[str, tuple[str, str]] = {
    "temperature_f": ("8310-5", "[degF]"),
    "crp_mg_dl": ("1988-5", "mg/dL"),
    "white_cells": ("6690-2", "10*3/uL"),
}
"""Column to LOINC code and UCUM unit."""

ADMITTED = {"yes": True, "no": False, "": None}

COLUMNS = Columns(("visit", "patient", "arrived", "sex", "age", *MEASURED, "complaint", "admitted"))


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the one outcome."""
    _rows(root)
    return CohortDescription("triage sheet", "made for an example", "CC0", (Diagnosis("admitted"),))


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each visit; a patient may have several."""
    rows, _ = _rows(root)
    return tuple(CaseEntry(row["visit"], row["patient"]) for row in rows)


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `history`, `measurements` and `notes`."""
    rows, problems = _rows(root)
    yield from problems
    for row in rows:
        if wanted is None or row["visit"] in wanted:
            yield from _case(row)


def outcomes(root: Path) -> Iterator[Outcome]:
    """Whether the patient was admitted."""
    rows, _ = _rows(root)
    for row in rows:
        if row.fault or row["admitted"] not in ADMITTED:
            raise CohortError(
                f"{FILE}, row {row.number}, column admitted: the label cannot be read.",
                remedy="write yes or no, or leave the cell empty",
            )
        yield Outcome(row["visit"], "admitted", ADMITTED[row["admitted"]])


def _rows(root: Path) -> tuple[list[Row], list[Problem]]:
    """The visits, and what is wrong with the file or with rows that name no visit of their own."""
    found = table.demand(table.load(root, FILE, COLUMNS))
    rows, problems = table.unique(found, "visit")
    return rows, [*found.problems, *problems]


def _case(row: Row) -> Iterator[Reading]:
    visit, arrived = row["visit"], clock.instant(row["arrived"], ZONE)
    if row.fault:
        yield SkippedCase(visit, replace(row.fault, case_id=visit))
        return
    if arrived is None:
        reason = "the time of arrival cannot be read."
        late = Problem(FILE, reason, row.number, "arrived", "write it as ISO 8601", visit)
        yield SkippedCase(visit, late)
        return
    problems: list[Problem] = []
    known = demographics.person(FILE, row, "age", "sex", problems)
    inputs: dict[str, Shape] = {}
    if known != Events():
        inputs["history"] = known
    if items := tuple(_measured(row, known, problems)):
        inputs["measurements"] = Measurements(items)
    if row["complaint"]:
        inputs["notes"] = Texts((Text("complaint", row["complaint"], arrived),))
    nothing = Problem(FILE, "the row holds no input.", row.number)
    yield from settle(Case(visit, row["patient"], arrived, inputs), problems, nothing)


def _measured(row: Row, known: Events, problems: list[Problem]) -> Iterator[Measurement]:
    for column, (code, unit) in MEASURED.items():
        if row[column]:
            item = normalise.measurement(
                code, row[column], unit, sex=known.sex, age_years=known.age_years
            )
            if item.problem:
                problems.append(kept_raw(item, FILE, row.number, column))
            yield item
