"""Regensburg Pediatric Appendicitis data set, table app_data.csv; one case for each row.

Marcinkevics et al., Frontiers in Pediatrics 2021, doi:10.3389/fped.2021.662183; CC BY-NC 4.0. There
are no patient identifiers and no times: one row is one child, `decision_time` is None, and all
values count as known when the child was assessed in the emergency department.

Modalities follow the three groups of evidence of the set:

- `history`: age, sex, complaints and signs on examination, as present or absent events
  `appendicitis:<Column>`, for a column with several levels `appendicitis:<Column>=<level>`.
- `examination`: body temperature, height, weight, BMI and the two clinical scores. **The Alvarado
  score and the Pediatric Appendicitis Score contain leukocyte and neutrophil counts** (up to 3 and
  2 of their 10 points), so this modality is not free of laboratory evidence.
- `measurements`: blood count, CRP, and urine strips, the last as 0 (no) to 3 (+++), unit
  "{ordinal}".
- `sonography`: diameter of the appendix, and each finding as 1 (there) or 0 (not there), unit
  "{presence}". A cell is empty where nothing was noted, which is itself not random: what is
  described depends on what was seen.

Outcomes: `appendicitis` (DiagnosisByCriteria), `surgical_management` (TreatmentGroupBinar),
`complicated_appendicitis` (AppendicitisComplications; False also for children without
appendicitis).
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import Event, Events, Measurement, Measurements, Shape
from clinical.cohorts.cohort import (
    CaseEntry,
    CohortDescription,
    Diagnosis,
    Reading,
    measured,
    settle,
)
from clinical.errors import CohortError
from clinical.tables import clock, demographics, table
from clinical.tables.table import Columns, Row, Table

NAME = "appendicitis"
PATIENTS_ARE_ROWS = True
"""Patient 7 is the child of row 7 of this file, and of no other cohort."""

FILE = "app_data.csv"
SITE = "Regensburg"

SIGNS = (
    "MigratoryPain",
    "LowerAbdominalPainRight",
    "ReboundTenderness",
    "CoughingPain",
    "PsoasSign",
    "Nausea",
    "AppetiteLoss",
    "Dysuria",
)
GRADED_SIGNS: dict[str, tuple[str, ...]] = {
    "Stool": ("obstipation", "diarrhea"),
    "Peritonitis": ("local", "generalised"),
}
"""Column to the levels that differ from normal."""

EXAMINED: dict[str, tuple[str, str]] = {
    "BodyTemp": ("8310-5", "Cel"),
    "Height": ("8302-2", "cm"),
    "Weight": ("29463-7", "kg"),
    "BMI": ("39156-5", "kg/m2"),
}
SCORES: dict[str, str] = {
    "AlvaradoScore": "Alvarado score",
    "PediatricAppendicitisScore": "Pediatric Appendicitis Score",
}
LABS: dict[str, tuple[str, str]] = {
    "WBCCount": ("6690-2", "10*3/uL"),
    "NeutrophilPerc": ("770-8", "%"),
    "CRPEntry": ("1988-5", "mg/L"),
}
"""Column to LOINC code and UCUM unit."""

URINE: dict[str, str] = {
    "KetonesInUrine": "Ketones in urine",
    "ErythrocytesInUrine": "Erythrocytes in urine",
    "WBCInUrine": "Leukocytes in urine",
}
URINE_LEVELS = {"no": 0.0, "+": 1.0, "++": 2.0, "+++": 3.0}

SEEN: dict[str, str] = {
    "AppendixOnSono": "Appendix visible",
    "FreeFluids": "Free fluid",
    "Kokarde": "Target sign",
    "SurroundingTissueReaction": "Reaction of surrounding tissue",
    "PathLymphNodes": "Enlarged lymph nodes",
    "MesentricLymphadenitis": "Mesenteric lymphadenitis",
    "BowelWallThick": "Thickened bowel wall",
    "Ileus": "Ileus",
    "FecalImpaction": "Fecal impaction",
    "Meteorism": "Meteorism",
    "Enteritis": "Enteritis",
}
GRADED_SEEN: dict[str, dict[str, str]] = {
    "AppendixWallLayers": {"intakt": "", "aufgehoben": "Wall layers of the appendix dissolved"},
    "TissuePerfusion": {
        "unremarkable": "",
        "hyperperfused": "Appendix hyperperfused",
        "hypoperfused": "Appendix hypoperfused",
    },
}
"""Column to level to what to show; the level with nothing to show is the normal one."""

LONGEST_DIAMETER = 60.0
"""mm; above this the diameter of an appendix is a mistake in the unit."""

BINARY = {"yes": True, "no": False, "positive": True, "negative": False}

LABELS: dict[str, tuple[str, Mapping[str, bool]]] = {
    "appendicitis": ("DiagnosisByCriteria", {"appendicitis": True, "noAppendicitis": False}),
    "surgical_management": ("TreatmentGroupBinar", {"surgical": True, "conservative": False}),
    "complicated_appendicitis": ("AppendicitisComplications", {"yes": True, "no": False}),
}
"""Diagnosis to its column and what the cells mean."""

COLUMNS = Columns(
    (
        "Age",
        "Sex",
        *SIGNS,
        *GRADED_SIGNS,
        *EXAMINED,
        *SCORES,
        *LABS,
        *URINE,
        "AppendixDiameter",
        *SEEN,
        *GRADED_SEEN,
        *(column for column, _ in LABELS.values()),
    )
)


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the three outcomes."""
    _table(root)
    return CohortDescription(
        "Regensburg Pediatric Appendicitis",
        "doi:10.3389/fped.2021.662183",
        "CC BY-NC 4.0",
        (
            Diagnosis("appendicitis", "74400008"),
            Diagnosis("surgical_management"),
            Diagnosis("complicated_appendicitis"),
        ),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each row; case and patient are the same."""
    return tuple(CaseEntry(_id(row), _id(row), SITE) for row in _table(root).rows)


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `history`, `examination`, `measurements` and `sonography`."""
    found = _table(root)
    yield from found.problems
    for row in found.rows:
        if wanted is None or _id(row) in wanted:
            yield from _case(row)


def outcomes(root: Path) -> Iterator[Outcome]:
    """`appendicitis`, `surgical_management` and `complicated_appendicitis` of each child."""
    for row in _table(root).rows:
        for diagnosis, (column, meaning) in LABELS.items():
            if row.fault or row[column] not in {*meaning, ""}:
                raise CohortError(
                    f"{FILE}, row {row.number}, column {column}: the label is not of this set.",
                    remedy="use the file as published",
                )
            yield Outcome(_id(row), diagnosis, meaning.get(row[column]))


def _table(root: Path) -> Table:
    return table.demand(table.load(root, FILE, COLUMNS))


def _id(row: Row) -> str:
    return f"child-{row.number - 1:04d}"


def _case(row: Row) -> Iterator[Reading]:
    if row.fault:
        yield SkippedCase(_id(row), replace(row.fault, case_id=_id(row)))
        return
    problems: list[Problem] = []
    known = demographics.person(FILE, row, "Age", "Sex", problems)
    events = tuple(_events(row, problems))
    groups = {
        "examination": (*measured(row, EXAMINED, known, FILE, problems), *_scores(row, problems)),
        "measurements": (*measured(row, LABS, known, FILE, problems), *_urine(row, problems)),
        "sonography": tuple(_sonography(row, problems)),
    }
    inputs: dict[str, Shape] = {
        modality: Measurements(items) for modality, items in groups.items() if items
    }
    if events or known != Events():
        inputs["history"] = replace(known, items=events)
    nothing = Problem(FILE, "the row holds no input.", row.number)
    yield from settle(Case(_id(row), _id(row), None, inputs, SITE), problems, nothing)


def _events(row: Row, problems: list[Problem]) -> Iterator[Event]:
    for column in SIGNS:
        present = _binary(row, column, problems)
        if present is not None:
            yield Event(f"appendicitis:{column}", _words(column), None, present)
    for column, levels in GRADED_SIGNS.items():
        cell = row[column]
        if cell in {"no", "normal", *levels}:
            for level in levels:
                code, display = f"appendicitis:{column}={level}", f"{_words(column)}: {level}"
                yield Event(code, display, None, cell == level)
        elif cell:
            problems.append(_unknown(row, column))


def _scores(row: Row, problems: list[Problem]) -> Iterator[Measurement]:
    for column, name in SCORES.items():
        points = clock.number(row[column])
        if points is not None and 0 <= points <= 10:
            yield _own(column, name, points, "{score}", row)
        elif row[column]:
            problems.append(_unknown(row, column))


def _urine(row: Row, problems: list[Problem]) -> Iterator[Measurement]:
    for column, name in URINE.items():
        if row[column] in URINE_LEVELS:
            yield _own(column, name, URINE_LEVELS[row[column]], "{ordinal}", row)
        elif row[column]:
            problems.append(_unknown(row, column))


def _sonography(row: Row, problems: list[Problem]) -> Iterator[Measurement]:
    diameter = clock.number(row["AppendixDiameter"])
    if diameter is not None and 0 < diameter <= LONGEST_DIAMETER:
        yield _own("AppendixDiameter", "Diameter of the appendix", diameter, "mm", row)
    elif row["AppendixDiameter"]:
        problems.append(_unknown(row, "AppendixDiameter"))
    for column, name in SEEN.items():
        present = _binary(row, column, problems)
        if present is not None:
            yield _own(column, name, float(present), "{presence}", row)
    for column, levels in GRADED_SEEN.items():
        cell = row[column]
        if cell in levels:
            for level, name in levels.items():
                if name:
                    item = _own(column, name, float(cell == level), "{presence}", row)
                    yield replace(item, code=f"{item.code}={level}")
        elif cell:
            problems.append(_unknown(row, column))


def _own(column: str, name: str, value: float, unit: str, row: Row) -> Measurement:
    """A measurement that LOINC has no code for in this form; the raw unit is not published."""
    return Measurement(f"appendicitis:{column}", name, value, unit, None, row[column], "")


def _binary(row: Row, column: str, problems: list[Problem]) -> bool | None:
    present = BINARY.get(row[column])
    if present is None and row[column]:
        problems.append(_unknown(row, column))
    return present


def _unknown(row: Row, column: str) -> Problem:
    reason = "the value is not one that the set uses; it is left out."
    return Problem(FILE, reason, row.number, column, "use the file as published")


def _words(column: str) -> str:
    """MigratoryPain -> Migratory pain."""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in column)
    return spaced.strip().capitalize()
