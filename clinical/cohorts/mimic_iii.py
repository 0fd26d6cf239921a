"""MIMIC-III 1.4 or its demo: admissions, icustays, patients, labevents, d_labitems as published.

One case for each stay in an intensive-care unit; doi:10.13026/C2XW26, the demo
doi:10.13026/C2HM2Q (ODbL 1.0). See `clinical.cohorts.mimic` for the rules that it shares with
MIMIC-IV. Column names are read in capitals or in small letters.

- `measurements`: labevents of the patient up to the decision. `history`: age (older than 89 is
  read as 90) and sex.
- Outcomes. `hospital_death`: died during this stay in hospital. **In the demo every patient died
  in the end, and 40 of 129 stays ended so: nothing that is learnt of it holds elsewhere.**
  `pneumonia`: coded for this stay in hospital (diagnoses_icd), whenever it began.
- Not read: chartevents, noteevents, prescriptions and the other tables.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from clinical.case.case import Outcome, Problem, SkippedCase
from clinical.cohorts import mimic, retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading
from clinical.cohorts.mimic import Item
from clinical.tables import table
from clinical.tables.selected import Selection, row_of
from clinical.tables.table import Columns, Row

NAME = "mimic_iii"
CASES_AT_ONCE = retold.AT_ONCE
STAYS = Columns(
    ("icustay_id", "subject_id", "hadm_id", "intime", "outtime"), ("first_careunit", "dbsource")
)
PATIENTS = Columns(("subject_id", "gender", "dob"))
ADMISSIONS = Columns(("hadm_id", "hospital_expire_flag"), ("admission_type", "insurance"))


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the two outcomes."""
    mimic.whole(root, "icustays", STAYS)
    return CohortDescription(
        "MIMIC-III",
        "doi:10.13026/C2XW26",
        "of the database: PhysioNet Credentialed Health Data 1.5; of the demo: ODbL 1.0",
        (Diagnosis("hospital_death"), Diagnosis("pneumonia", "233604007")),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each stay in a unit."""
    rows, _ = table.unique(mimic.whole(root, "icustays", STAYS), "icustay_id")
    groups = ("first_careunit", "dbsource")
    return tuple(
        CaseEntry(
            row["icustay_id"],
            row["subject_id"],
            mimic.SITE,
            columns={name: row[name] for name in groups},
        )
        for row in rows
    )


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `measurements` and `history` (age, sex)."""
    stays = mimic.whole(root, "icustays", STAYS)
    people = mimic.whole(root, "patients", PATIENTS)
    known = mimic.items(root, "d_labitems")
    yield from (*stays.problems, *people.problems)
    rows, repeated = table.unique(stays, "icustay_id")
    yield from repeated
    rows = [row for row in rows if wanted is None or row["icustay_id"] in wanted]
    persons = {row["subject_id"]: row for row in people.rows}
    told = set[Problem]()
    for lot in retold.lots(rows):
        labs = mimic.labs(root, "labevents", {row["subject_id"] for row in lot})
        for problem in labs.problems if labs else ():
            if problem not in told:
                yield problem
                told.add(problem)
        for row in lot:
            yield from _case(root, replace(row, file=stays.file), persons, labs, known)


def outcomes(root: Path) -> Iterator[Outcome]:
    """`hospital_death` and `pneumonia` of each stay."""
    rows, _ = table.unique(mimic.whole(root, "icustays", STAYS), "icustay_id")
    admissions = mimic.whole(root, "admissions", ADMISSIONS)
    died = {row["hadm_id"]: mimic.died(row, admissions.file) for row in admissions.rows}
    pneumonia = mimic.coded_pneumonia(root, "diagnoses_icd")
    for row in rows:
        known = row["hadm_id"] in died
        yield Outcome(row["icustay_id"], "hospital_death", died.get(row["hadm_id"]))
        named = row["hadm_id"] in pneumonia
        yield Outcome(row["icustay_id"], "pneumonia", named if known else None)


def _case(
    root: Path,
    row: Row,
    persons: Mapping[str, Row],
    labs: Selection | None,
    known: Mapping[str, Item],
) -> Iterator[Reading]:
    decided = mimic.decision(row, row.file)
    if isinstance(decided, Problem):
        yield SkippedCase(row["icustay_id"], replace(decided, case_id=row["icustay_id"]))
        return
    person = persons.get(row["subject_id"])
    case = row_of(
        row,
        row.file,
        case_id=row["icustay_id"],
        patient_id=row["subject_id"],
        decision_time=decided.isoformat(),
        site=mimic.SITE,
        sex=person["gender"] if person else "",
        age_years=mimic.years(person["dob"], decided) if person else "",
    )
    found = labs.of(row["subject_id"]) if labs else []
    told: list[Problem] = []
    rows: dict[str, list[Row]] = {}
    if labs:
        rows["measurements"] = list(mimic.measured(labs, found, known, decided, told))
    names = {labs.file: mimic.LAB_NAMES} if labs else {}
    yield from retold.read(root, case, rows, names, also=told)
