"""COVID-19 image data collection (Cohen et al., arXiv:2006.11988): metadata.csv and images/.

One case for each row of metadata.csv. The decision is the moment of the image, for which the set
gives no usable date, so `decision_time` is None and no measurement has a time: the set states
temperature, saturation and counts as of the image.

- Case ids are `<patientid>-<n>`, n counting the rows of one patient from 1 in file order. Rows that
  name the same image file under two patients are one patient twice; both get the first one's
  `patient_id`, because a split by patient must not put one image on both sides.
- Notes. `clinical_notes` is free text of the case's author, **often written afterwards and often
  naming the diagnosis**: a model that reads it sees the label. Leave `notes` out to measure
  anything. `other_notes` holds credits and is not read.
- Left out: `in_icu`, `intubation_present`, `needed_supplemental_O2`, `extubated`, which say what
  care was given and not what was found; `offset` and `date`, which differ in meaning from row to
  row.
- Measurements. Temperature in degrees Celsius, `pO2_saturation` in % oxygen saturation, counts in
  10^3/uL (the set's schema).
- Outcomes. `icu` (went_icu), `intubation` (intubated), `death` (survival N), each unknown where the
  cell is empty, "Not visible" or "Would have been stated": the second is a guess from silence.
  `covid_19` from `finding`; unknown for "todo", and for "Pneumonia" and "ARDS" alone, which name no
  cause.
- Licence: of each image, in `Array.source`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from clinical.case.case import Case, Outcome, Problem, SkippedCase
from clinical.case.shapes import (
    Array,
    Arrays,
    Events,
    Measurements,
    Shape,
    Text,
    Texts,
)
from clinical.cohorts.cohort import (
    CaseEntry,
    CohortDescription,
    Diagnosis,
    Reading,
    measured,
    settle,
)
from clinical.tables import demographics, pixels, table
from clinical.tables.table import Columns, Row, Table

NAME = "covid_chestxray"
FILE = "metadata.csv"

MEASURED: dict[str, tuple[str, str]] = {
    "temperature": ("8310-5", "Cel"),
    "pO2_saturation": ("59408-5", "%"),
    "leukocyte_count": ("6690-2", "10*3/uL"),
    "neutrophil_count": ("751-8", "10*3/uL"),
    "lymphocyte_count": ("731-0", "10*3/uL"),
}
"""Column to LOINC code and UCUM unit (SCHEMA.md of the set)."""

COLUMNS = Columns(
    (
        "patientid",
        "sex",
        "age",
        "finding",
        "survival",
        "intubated",
        "went_icu",
        *MEASURED,
        "view",
        "location",
        "folder",
        "filename",
        "url",
        "license",
        "clinical_notes",
    )
)

CAUSE_UNKNOWN = {"", "todo", "Pneumonia", "ARDS", "Unknown"}
"""Findings that neither are COVID-19 nor exclude it."""


@dataclass(frozen=True)
class _Listed:
    """A row of the table with the identifiers it gets."""

    case_id: str
    patient_id: str
    row: Row


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the four outcomes."""
    _table(root)
    return CohortDescription(
        "COVID-19 image data collection",
        "arXiv:2006.11988",
        "of each image: CC BY, CC BY-SA, CC BY-NC-SA or Apache 2.0",
        (
            Diagnosis("covid_19", "840539006"),
            Diagnosis("icu"),
            Diagnosis("intubation"),
            Diagnosis("death"),
        ),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each row; the site is the stated location."""
    return tuple(
        CaseEntry(listed.case_id, listed.patient_id, listed.row["location"])
        for listed in _listed(_table(root))
    )


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `image`, `history` (age, sex), `measurements` and `notes` where they are there."""
    found = _table(root)
    yield from found.problems
    for listed in _listed(found):
        if wanted is None or listed.case_id in wanted:
            yield from _case(root, listed)


def outcomes(root: Path) -> Iterator[Outcome]:
    """`covid_19`, `icu`, `intubation` and `death` of each row."""
    yes, no = {"Y": True, "N": False}, {"N": True, "Y": False}
    for listed in _listed(_table(root)):
        row = listed.row
        yield Outcome(listed.case_id, "covid_19", _covid(row["finding"]))
        yield Outcome(listed.case_id, "icu", yes.get(row["went_icu"]))
        yield Outcome(listed.case_id, "intubation", yes.get(row["intubated"]))
        yield Outcome(listed.case_id, "death", no.get(row["survival"]))


def _covid(finding: str) -> bool | None:
    # Older rows read "COVID-19, ARDS", newer ones "Pneumonia/Viral/COVID-19".
    if "COVID-19" in finding.replace(",", "/").split("/"):
        return True
    return None if finding in CAUSE_UNKNOWN else False


def _table(root: Path) -> Table:
    return table.demand(table.load(root, FILE, COLUMNS))


def _listed(found: Table) -> Iterator[_Listed]:
    person = _people(found)
    count: dict[str, int] = {}
    for row in found.rows:
        patient = row["patientid"]
        count[patient] = count.get(patient, 0) + 1
        yield _Listed(f"{patient}-{count[patient]}", person[patient], row)


def _people(found: Table) -> dict[str, str]:
    """Patient to the first patient with whom an image is shared, directly or through others."""
    person: dict[str, str] = {}
    first_with: dict[str, str] = {}
    for row in found.rows:
        here = person.setdefault(row["patientid"], row["patientid"])
        file = row["filename"]
        there = person[first_with.setdefault(file, row["patientid"])] if file else here
        if there != here:
            person.update({one: there for one, same in person.items() if same == here})
    return person


def _case(root: Path, listed: _Listed) -> Iterator[Reading]:
    row, case_id = listed.row, listed.case_id
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
    values = tuple(measured(row, MEASURED, known, FILE, problems))
    if values:
        inputs["measurements"] = Measurements(values)
    if row["clinical_notes"]:
        inputs["notes"] = Texts((Text("clinical_notes", row["clinical_notes"]),))
    nothing = Problem(FILE, "the row holds no input.", row.number)
    case = Case(case_id, listed.patient_id, None, inputs, row["location"])
    yield from settle(case, problems, nothing)


def _image(root: Path, row: Row) -> Array | Problem:
    place = Problem(FILE, "", row.number, "filename")
    path = f"{row['folder'] or 'images'}/{row['filename']}"
    found = pixels.load(root, place, path, photometric="MONOCHROME2")
    if isinstance(found, Problem):
        return found
    facts = {"ViewPosition": row["view"], "licence": row["license"], "url": row["url"]}
    return replace(found, source={**found.source, **facts})
