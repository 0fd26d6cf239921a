"""COVID-19 Image Repository of Hannover Medical School: data.csv and png/ as published.

One case for each radiograph. Source: doi:10.6084/m9.figshare.12275009, version 2, CC BY 3.0.

- Times. The set gives whole days relative to the radiograph, not dates, so `decision_time` is
  `clock.OFFSET_EPOCH` and every value's age is right to a day. A value of the same day (offset 0)
  counts as known although it may be some hours younger; one with a positive offset is reported and
  left out. Values are published in steps; `-inf` and `inf` mean beyond the assay.
- Left out on purpose. `admission_offset`, although known at the time: with the projection it alone
  predicts intensive care (AUROC 0.87 in patient-grouped cross-validation), so it would hide what
  the image adds. ICU and death
  offsets are outcomes. The projection is in `Array.source` for subgroup reports, not for models.
- Column `factor_xii` holds coagulation factor XIII (the set's readme, feature 15).
- The set does not say whether blood gases are arterial or venous, nor whether D-dimer is in
  fibrinogen equivalents; its upper limit of 0.5 mg/L is that of FEU assays, so FEU is assumed.
- Outcomes. `icu`: an ICU admission is recorded at any time before or after the radiograph; no
  record is read as no admission. `icu_later`: the same, but unknown where the patient was already
  admitted on or before the day of the radiograph; the only one of the two that is a prediction.
  `death`: a death is recorded; no record is read as no death within the period of collection, whose
  length the readme does not give.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import Array, Arrays, Events, Measurement, Measurements, Shape
from clinical.cohorts.cohort import (
    CaseEntry,
    CohortDescription,
    Diagnosis,
    Reading,
    kept_raw,
    settle,
)
from clinical.errors import CohortError
from clinical.tables import clock, demographics, pixels, table
from clinical.tables.clock import OFFSET_EPOCH
from clinical.tables.table import Columns, Row, Table
from clinical.terms import normalise

NAME = "hannover"
FILE = "data.csv"
SITE = "Hannover Medical School"

LABS: dict[str, tuple[str, str]] = {
    "crp": ("1988-5", "mg/L"),
    "d-dimer": ("48065-7", "mg/L"),
    "factor_xii": ("27815-0", "%"),
    "ldh": ("2532-0", "U/L"),
    "lymphocytes": ("731-0", "10*3/uL"),
    "neutrophils": ("751-8", "10*3/uL"),
    "pco2": ("11557-6", "mm[Hg]"),
    "po2": ("11556-8", "mm[Hg]"),
}
"""Column prefix to LOINC code, and unit in UCUM (feature table of the set's readme)."""

COLUMNS = Columns(
    (
        "patient_id",
        "image_id",
        "sex",
        "age",
        "icu_admission_offset",
        "death_offset",
        "modality",
        "projection",
        *(f"{lab}_{part}" for lab in LABS for part in ("offset", "val")),
    )
)


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the three outcomes."""
    _table(root)
    return CohortDescription(
        "Hannover COVID-19 Image Repository",
        "doi:10.6084/m9.figshare.12275009",
        "CC BY 3.0",
        (Diagnosis("icu"), Diagnosis("icu_later"), Diagnosis("death")),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each radiograph."""
    rows, _ = table.unique(_table(root), "image_id")
    return tuple(CaseEntry(row["image_id"], row["patient_id"], SITE) for row in rows)


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `image`, `measurements` and `history` (sex) where they are there."""
    found = _table(root)
    yield from found.problems
    rows, repeated = table.unique(found, "image_id")
    yield from repeated
    for row in rows:
        if wanted is None or row["image_id"] in wanted:
            yield from _case(root, row)


def outcomes(root: Path) -> Iterator[Outcome]:
    """`icu`, `icu_later` and `death` of each radiograph."""
    for row in table.unique(_table(root), "image_id")[0]:
        case_id = row["image_id"]
        icu = _days(row, "icu_admission_offset")
        death = _days(row, "death_offset")
        yield Outcome(case_id, "icu", icu is not None, days=icu)
        yield Outcome(case_id, "icu_later", None if icu is not None and icu <= 0 else bool(icu))
        yield Outcome(case_id, "death", death is not None, days=death)


def _days(row: Row, column: str) -> float | None:
    if not row[column]:
        return None
    days = clock.number(row[column])
    if row.fault or days is None:
        raise CohortError(
            f"{FILE}, row {row.number}, column {column}: the offset is not a number.",
            remedy="use the file as published",
        )
    return days


def _table(root: Path) -> Table:
    return table.demand(table.load(root, FILE, COLUMNS))


def _case(root: Path, row: Row) -> Iterator[Reading]:
    case_id = row["image_id"]
    if row.fault:
        yield SkippedCase(case_id, replace(row.fault, case_id=case_id))
        return
    problems: list[Problem] = []
    inputs: dict[str, Shape] = {}
    image = _image(root, row)
    if isinstance(image, Problem):
        problems.append(image)
    else:
        inputs["image"] = Arrays((image,))
    known = demographics.person(FILE, row, "age", "sex", problems)
    if known != Events():
        inputs["history"] = known
    labs = tuple(_labs(row, known, problems))
    if labs:
        inputs["measurements"] = Measurements(labs)
    nothing = Problem(FILE, "the row holds no input.", row.number)
    case = Case(case_id, row["patient_id"], OFFSET_EPOCH, inputs, SITE)
    yield from settle(case, problems, nothing)


def _image(root: Path, row: Row) -> Array | Problem:
    place = Problem(FILE, "", row.number, "image_id")
    found = pixels.load(root, place, f"png/{row['image_id']}.png", photometric="MONOCHROME2")
    if isinstance(found, Problem):
        return found
    facts = {
        "ViewPosition": row["projection"].upper(),
        "Modality": row["modality"],
        "licence": "CC BY 3.0",
    }
    return replace(found, source={**found.source, **facts})


def _labs(row: Row, known: Events, problems: list[Problem]) -> Iterator[Measurement]:
    for lab in LABS:
        value, offset = row[f"{lab}_val"], row[f"{lab}_offset"]
        if not value and not offset:
            continue
        item = _lab(row, lab, known)
        if isinstance(item, Problem):
            problems.append(item)
            continue
        if item.problem:
            problems.append(kept_raw(item, FILE, row.number, f"{lab}_val"))
        yield item


def _lab(row: Row, lab: str, known: Events) -> Measurement | Problem:
    """One value with its time, or why it cannot be used at all."""
    column = f"{lab}_offset"
    offset = clock.number(row[column])
    if offset is None or abs(offset) > clock.LONGEST_OFFSET:
        reason = "the value has no usable offset, so it may be later than the radiograph."
        return Problem(FILE, reason, row.number, column, "use the file as published")
    if offset > 0:
        reason = "the value is later than the radiograph; nothing later than it is used."
        return Problem(FILE, reason, row.number, column, "none; it is known only afterwards")
    code, unit = LABS[lab]
    return normalise.measurement(
        code,
        row[f"{lab}_val"],
        unit,
        time=OFFSET_EPOCH + timedelta(days=offset),
        sex=known.sex,
        age_years=known.age_years,
    )
