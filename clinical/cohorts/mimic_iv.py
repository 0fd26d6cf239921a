"""MIMIC-IV 2 and 3: the folders hosp, icu, note and cxr-jpg as published, tables gzipped or not.

doi:10.13026/6mm1-ek67; radiographs of MIMIC-CXR-JPG, doi:10.13026/jsn5-t979; reports of
MIMIC-IV-Note, doi:10.13026/1n74-ne17. See `clinical.cohorts.mimic` for the rules that it shares
with MIMIC-III. What is one case is decided by what is there:

- With cxr-jpg (mimic-cxr-2.0.0-metadata.csv), one radiographic study; the decision is when its
  last image was taken. Outcomes are the findings that CheXpert read in its report
  (mimic-cxr-2.0.0-chexpert.csv); uncertain (-1) and not mentioned are unknown.
- Without it, one stay in an intensive-care unit, 24 hours after admission to it, as in MIMIC-III.
  Outcomes are `hospital_death` and `pneumonia` (coded for the stay in hospital).
- `image`: the JPEG files of the study. `measurements`: labevents, counted as known from
  `storetime` on. `notes`: reports of note/radiology that were stored up to the decision; the
  report of the study itself is stored later, and one without `storetime` is left out. `history`:
  age (91 stands for older than 89) and sex.
- Not read: discharge letters, chartevents, prescriptions, the emergency department, and all else.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from clinical.case.case import Outcome, Problem, SkippedCase
from clinical.cohorts import mimic, retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading
from clinical.cohorts.mimic import Item
from clinical.errors import CohortError
from clinical.tables import clock, selected, table
from clinical.tables.selected import AS_PUBLISHED, Selection, row_of, select
from clinical.tables.table import Columns, Row

NAME = "mimic_iv"
CASES_AT_ONCE = retold.AT_ONCE
FILMS = ("cxr-jpg/mimic-cxr-2.0.0-metadata", "mimic-cxr-2.0.0-metadata")
FINDINGS = "mimic-cxr-2.0.0-chexpert"
STAYS = Columns(("stay_id", "subject_id", "hadm_id", "intime", "outtime"), ("first_careunit",))
PATIENTS = Columns(("subject_id", "gender", "anchor_age", "anchor_year"))
ADMISSIONS = Columns(("hadm_id", "hospital_expire_flag"))
FILM = Columns(("dicom_id", "subject_id", "study_id", "ViewPosition", "StudyDate", "StudyTime"))
LABELS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum"),
    *("Fracture", "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion"),
    *("Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices"),
)
MEANING: Mapping[str, bool | None] = {"1.0": True, "0.0": False, "-1.0": None, "": None}

UNSTORED = "the report has no time of storing; it may have been written after the decision."
NOTE_NAMES = {"time": "charttime"}


@dataclass(frozen=True)
class _Asked:
    """One case before its rows: the row that it stands in, and when it is decided."""

    case_id: str
    row: Row
    decided: str | Problem
    films: tuple[Row, ...] = ()


@dataclass(frozen=True)
class _Tables:
    """What is read of the patients of some cases."""

    persons: Mapping[str, Row]
    items: Mapping[str, Item]
    labs: Selection | None
    reports: Selection | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Of their files."""
        there = (part for part in (self.labs, self.reports) if part)
        return tuple(problem for part in there for problem in part.problems)


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the outcomes."""
    cases, _ = _asked(root)
    diagnoses: tuple[str, ...] = ("hospital_death", "pneumonia")
    if any(case.films for case in cases):
        diagnoses = tuple(map(_name, LABELS))
    return CohortDescription(
        "MIMIC-IV",
        "doi:10.13026/6mm1-ek67",
        "PhysioNet Credentialed Health Data 1.5",
        tuple(Diagnosis(name) for name in diagnoses),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each study, or each stay in a unit."""
    cases, _ = _asked(root)
    return tuple(CaseEntry(one.case_id, one.row["subject_id"], mimic.SITE) for one in cases)


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `image`, `measurements`, `notes` and `history` where they are there."""
    cases, problems = _asked(root)
    people = mimic.whole(root, "hosp/patients", PATIENTS)
    yield from (*problems, *people.problems)
    cases = [one for one in cases if wanted is None or one.case_id in wanted]
    persons = {row["subject_id"]: row for row in people.rows}
    items = mimic.items(root, "hosp/d_labitems")
    told = set[Problem]()
    for at in range(0, len(cases), retold.AT_ONCE):
        lot = cases[at : at + retold.AT_ONCE]
        patients = {one.row["subject_id"] for one in lot}
        labs = mimic.labs(root, "hosp/labevents", patients)
        tables = _Tables(persons, items, labs, _reports(root, patients))
        for problem in tables.problems:
            if problem not in told:
                yield problem
                told.add(problem)
        for one in lot:
            yield from _case(root, one, tables)


def outcomes(root: Path) -> Iterator[Outcome]:
    """The findings of each study, or the outcomes of each stay."""
    cases, _ = _asked(root)
    if any(case.films for case in cases):
        yield from _findings(root, cases)
        return
    admissions = mimic.whole(root, "hosp/admissions", ADMISSIONS)
    died = {row["hadm_id"]: mimic.died(row, admissions.file) for row in admissions.rows}
    pneumonia = mimic.coded_pneumonia(root, "hosp/diagnoses_icd")
    for one in cases:
        stay = one.row["hadm_id"]
        yield Outcome(one.case_id, "hospital_death", died.get(stay))
        yield Outcome(one.case_id, "pneumonia", stay in pneumonia if stay in died else None)


def _findings(root: Path, cases: Collection[_Asked]) -> Iterator[Outcome]:
    folder = _films(root)[1]
    found = mimic.whole(root, f"{folder}{FINDINGS}", Columns(("study_id", *LABELS)))
    told = {f"s{row['study_id']}": row for row in found.rows}
    for one in cases:
        row = told.get(one.case_id)
        for label in LABELS:
            cell = row[label] if row else ""
            cell = f"{cell}.0" if cell in ("1", "0", "-1") else cell
            if (row and row.fault) or cell not in MEANING:
                number = row.number if row else 1
                raise CohortError(
                    f"{found.file}, row {number}, column {label}: the label is not of this set.",
                    remedy=AS_PUBLISHED,
                )
            yield Outcome(one.case_id, _name(label), MEANING[cell])


def _name(label: str) -> str:
    return label.lower().replace(" ", "_")


def _films(root: Path) -> tuple[str | None, str]:
    """The table of images, and the folder that it lies in, with its slash."""
    for stem in FILMS:
        file = selected.find(root, stem)
        if file:
            return file, stem.rpartition("/")[0] + "/" if "/" in stem else ""
    return None, ""


def _asked(root: Path) -> tuple[list[_Asked], list[Problem]]:
    """Every case, and problems of the table that lists them."""
    mimic.whole(root, "hosp/patients", PATIENTS)  # else it is no MIMIC-IV
    file, _ = _films(root)
    if file is None:
        stays = mimic.whole(root, "icu/icustays", STAYS)
        rows, repeated = table.unique(stays, "stay_id")
        cases = [_stay(replace(row, file=stays.file)) for row in rows]
        return cases, [*stays.problems, *repeated]
    films = table.demand(table.load(root, file, FILM))
    rows, repeated = table.unique(films, "dicom_id")
    studies: dict[str, list[Row]] = {}
    for row in rows:
        studies.setdefault(row["study_id"], []).append(replace(row, file=films.file))
    cases = [_study(f"s{study}", tuple(of)) for study, of in studies.items()]
    return cases, [*films.problems, *repeated]


def _stay(row: Row) -> _Asked:
    decided = mimic.decision(row, row.file)
    return _Asked(
        row["stay_id"], row, decided if isinstance(decided, Problem) else decided.isoformat()
    )


def _study(case_id: str, films: tuple[Row, ...]) -> _Asked:
    fault = next((row.fault for row in films if row.fault), None)
    times = [_taken(row) for row in films]
    if not fault and "" in times:
        reason, number = (
            "the date of the study cannot be read; the case is not used.",
            times.index(""),
        )
        row = films[number]
        fault = Problem(row.file, reason, row.number, "StudyDate", AS_PUBLISHED)
    return _Asked(case_id, films[0], fault or max(times), films)


def _taken(row: Row) -> str:
    """When an image was taken, as ISO 8601, or ""; of the time the seconds may lack zeros."""
    day, hour = row["StudyDate"], row["StudyTime"].partition(".")[0].zfill(6)
    written = f"{day[:4]}-{day[4:6]}-{day[6:]}T{hour[:2]}:{hour[2:4]}:{hour[4:]}"
    return f"{written}+00:00" if len(day) == 8 and mimic.moment(written) else ""


def _reports(root: Path, patients: Collection[str]) -> Selection | None:
    file = selected.find(root, "note/radiology")
    columns = ("charttime", "storetime", "text")
    return select(root, file, "subject_id", patients, columns) if file else None


def _case(root: Path, one: _Asked, tables: _Tables) -> Iterator[Reading]:
    row = one.row
    if isinstance(one.decided, Problem):
        yield SkippedCase(one.case_id, replace(one.decided, case_id=one.case_id))
        return
    decided = datetime.fromisoformat(one.decided)
    person = tables.persons.get(row["subject_id"])
    case = row_of(
        row,
        row.file,
        case_id=one.case_id,
        patient_id=row["subject_id"],
        decision_time=decided.isoformat(),
        site=mimic.SITE,
        sex=person["gender"] if person else "",
        age_years=_age(person, decided.year) if person else "",
    )
    told: list[Problem] = []
    rows: dict[str, list[Row]] = {"images": [_image(film) for film in one.films]}
    if tables.labs:
        found = tables.labs.of(row["subject_id"])
        values = mimic.measured(tables.labs, found, tables.items, decided, told)
        rows["measurements"] = list(values)
    if tables.reports:
        rows["notes"] = list(_texts(tables.reports, row["subject_id"], decided))
    names = {part.file: mimic.LAB_NAMES for part in (tables.labs,) if part}
    names |= {part.file: NOTE_NAMES for part in (tables.reports,) if part}
    names[row.file] = {"path": "dicom_id", "view": "ViewPosition", "time": "StudyDate"}
    yield from retold.read(root, case, rows, names, also=told)


def _age(person: Row, year: int) -> str:
    age, of = clock.number(person["anchor_age"]), clock.number(person["anchor_year"])
    return "" if age is None or of is None else f"{age + year - of:g}"


def _image(film: Row) -> Row:
    folder, slash, _ = film.file.rpartition("/")
    patient = film["subject_id"]
    place = f"{folder}{slash}files/p{patient[:2]}/p{patient}/s{film['study_id']}"
    return row_of(
        film,
        film.file,
        path=f"{place}/{film['dicom_id']}.jpg",
        view=film["ViewPosition"],
        time=_taken(film),
        photometric="MONOCHROME2",
    )


def _texts(reports: Selection, patient: str, decided: datetime) -> Iterator[Row]:
    """Reports that were stored up to the decision; what is later is marked."""
    for row in reports.of(patient):
        stored, taken = mimic.moment(row["storetime"]), mimic.moment(row["charttime"])
        if stored is None:
            row = retold.fault(row, reports.file, "storetime", UNSTORED, retold.AFTERWARDS)
        elif stored > decided and taken and taken <= decided:
            row = retold.fault(row, reports.file, "storetime", mimic.STORED, retold.AFTERWARDS)
        yield row_of(
            row, reports.file, section="radiology", text=row["text"], time=row["charttime"]
        )
