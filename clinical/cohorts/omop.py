"""OMOP Common Data Model 5.4: a folder with a CSV (gzipped or not) or Parquet file for each table.

https://ohdsi.github.io/CommonDataModel/cdm54.html; the vocabulary (concept) may have tabs, as it is
distributed. One case for each visit to a hospital (inpatient, emergency, intensive care), 24 hours
after it began: the model does not say when somebody had to decide. A visit that ended before is
skipped; so is one of which the beginning is known by its day alone.

- `measurements`: the table measurement. Its concept gives the LOINC code, its unit concept UCUM,
  its operator the sign of a bound. Where there is no concept, the words of the source stand for it,
  and the table of measurements decides. What is known by its day alone counts if the day is before
  that of the decision.
- `history`: age, sex, conditions and drugs that began before the day of the visit. **What was
  coded for the visit itself is no input**: conditions are coded after discharge, and drugs are what
  was done. The source's own code is used where its system is known (ICD, SNOMED CT, ATC).
- `notes`: the table note, up to the decision.
- The site is the care site. Outcome: `hospital_death`, a death from the day of the decision to
  that of discharge; unknown where the end of the visit is.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinical.case.case import Outcome, Problem, SkippedCase
from clinical.cohorts import retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading
from clinical.tables import clock, selected, table, times
from clinical.tables.selected import AS_PUBLISHED, Selection, row_of, select
from clinical.tables.table import Columns, Row, Table
from clinical.terms import codes

NAME = "omop"
CASES_AT_ONCE = retold.AT_ONCE
KEY = "person_id"
WAIT = timedelta(hours=24)
VISITS = Columns(
    (
        *("visit_occurrence_id", KEY, "visit_concept_id", "visit_start_date", "visit_end_date"),
        "visit_start_datetime",
    ),
    ("visit_end_datetime", "care_site_id"),
)
HOSPITAL = {"9201", "9203", "262", "32037"}
"""Concepts of visits: inpatient, emergency room, emergency room and inpatient, intensive care."""

PERSONS = Columns(
    (KEY, "gender_concept_id", "year_of_birth"),
    ("month_of_birth", "day_of_birth", "birth_datetime"),
)
SEX = {"8507": "male", "8532": "female"}
OPERATORS = {"4171756": "<", "4172704": ">", "4171754": "≤", "4171755": "≥"}

EVENTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "measurement": (
        ("measurement_concept_id", "measurement_date", "value_as_number"),
        (
            *("measurement_datetime", "operator_concept_id", "unit_concept_id"),
            *("measurement_source_value", "unit_source_value", "value_source_value"),
        ),
    ),
    "condition_occurrence": (
        ("condition_concept_id", "condition_start_date"),
        ("condition_source_concept_id", "condition_source_value"),
    ),
    "drug_exposure": (
        ("drug_concept_id", "drug_exposure_start_date"),
        ("drug_source_concept_id", "drug_source_value"),
    ),
    "note": (("note_date", "note_text"), ("note_datetime", "note_title")),
}
CONCEPTS = (
    *("measurement_concept_id", "unit_concept_id", "condition_concept_id"),
    *("condition_source_concept_id", "drug_concept_id", "drug_source_concept_id"),
)

SAME_DAY = "only the day is known, which is that of the decision or a later one."
OF_VISIT = "it began with the visit or after it, and is what was found or done there."

_NAMES = {
    "measurement": {
        "code": "measurement_concept_id",
        "value": "value_as_number",
        "unit": "unit_concept_id",
        "time": "measurement_datetime",
    },
    "condition_occurrence": {"code": "condition_concept_id", "onset": "condition_start_date"},
    "drug_exposure": {"code": "drug_concept_id", "onset": "drug_exposure_start_date"},
    "note": {"text": "note_text", "time": "note_datetime"},
}


@dataclass(frozen=True)
class _Concept:
    """One concept of the vocabulary."""

    system: str
    code: str
    name: str


NONE = _Concept("", "", "")


@dataclass(frozen=True)
class _Tables:
    """What is read of the persons of some visits."""

    events: Mapping[str, Selection]
    concepts: Mapping[str, _Concept]
    problems: tuple[Problem, ...]


def describe(root: Path) -> CohortDescription:
    """The name of the source where cdm_source has it, and the outcome."""
    _visits(root)
    file = selected.find(root, "cdm_source")
    columns = Columns(("cdm_source_name",), ("source_documentation_reference",))
    found = table.load(root, file, columns) if file else None
    told = found.rows[0] if isinstance(found, Table) and found.rows else None
    return CohortDescription(
        (told["cdm_source_name"] if told else "") or root.resolve().name,
        (told["source_documentation_reference"] if told else "") or "OMOP CDM 5.4",
        "not stated",
        (Diagnosis("hospital_death"),),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each visit to a hospital; the site is the care site."""
    _, rows, _ = _visits(root)
    sites = _sites(root)
    return tuple(
        CaseEntry(row["visit_occurrence_id"], row[KEY], sites.get(row["care_site_id"], ""))
        for row in rows
    )


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `measurements`, `history` and `notes` where they are there."""
    visits, rows, problems = _visits(root)
    file = selected.find(root, "person") or "person.csv"
    people = table.demand(table.load(root, file, PERSONS))
    yield from (*visits.problems, *problems, *people.problems)
    persons = {row[KEY]: row for row in people.rows if not row.fault}
    sites = _sites(root)
    rows = [row for row in rows if wanted is None or row["visit_occurrence_id"] in wanted]
    told = set[Problem]()
    for lot in retold.lots(rows):
        tables = _tables(root, {row[KEY] for row in lot})
        for problem in tables.problems:
            if problem not in told:
                yield problem
                told.add(problem)
        for row in lot:
            yield from _case(root, replace(row, file=visits.file), persons, sites, tables)


def outcomes(root: Path) -> Iterator[Outcome]:
    """`hospital_death` of each visit."""
    _, rows, _ = _visits(root)
    file = selected.find(root, "death")
    found = select(root, file, KEY, {row[KEY] for row in rows}, ("death_date",)) if file else None
    for problem in found.problems if found else ():
        table.demand(problem)
    for row in rows:
        decided, ended = _decision(row, ""), row["visit_end_date"]
        days = [one["death_date"] for one in found.of(row[KEY])] if found else []
        known = file and ended and not isinstance(decided, Problem)
        value = None
        if known and isinstance(decided, datetime):
            value = any(decided.date().isoformat() <= day[:10] <= ended[:10] for day in days)
        yield Outcome(row["visit_occurrence_id"], "hospital_death", value)


def _visits(root: Path) -> tuple[Table, list[Row], list[Problem]]:
    """The table of visits, those to a hospital, and rows that name none or one again."""
    file = selected.find(root, "visit_occurrence") or "visit_occurrence.csv"
    found = table.demand(table.load(root, file, VISITS))
    rows, repeated = table.unique(found, "visit_occurrence_id")
    return found, [r for r in rows if r.fault or r["visit_concept_id"] in HOSPITAL], repeated


def _sites(root: Path) -> dict[str, str]:
    file = selected.find(root, "care_site")
    columns = Columns(("care_site_id", "care_site_name"))
    found = table.load(root, file, columns) if file else None
    if not isinstance(found, Table):
        return {}
    return {row["care_site_id"]: row["care_site_name"] for row in found.rows}


def _tables(root: Path, persons: Collection[str]) -> _Tables:
    files = {stem: selected.find(root, stem) for stem in EVENTS}
    events = {
        stem: select(root, file, KEY, persons, *EVENTS[stem])
        for stem, file in files.items()
        if file
    }
    wanted = {one for part in events.values() for name in CONCEPTS for one in part.values(name)}
    problems = [problem for part in events.values() for problem in part.problems]
    file = selected.find(root, "concept")
    if file is None:
        reason = "the file does not exist; codes and units have to be understood by their words."
        problems.append(Problem("concept.csv", reason, remedy="put the vocabulary in the folder"))
        return _Tables(events, {}, tuple(problems))
    columns = ("vocabulary_id", "concept_code", "concept_name")
    found = select(root, file, "concept_id", wanted - {"", "0"}, columns)
    concepts = {
        key: _Concept(row["vocabulary_id"], row["concept_code"], row["concept_name"])
        for key in found.places
        for row in found.of(key)
    }
    return _Tables(events, concepts, (*problems, *found.problems))


def _decision(row: Row, file: str) -> datetime | Problem:
    """When the decision of a visit is, or why there is none."""
    if row.fault:
        return row.fault
    text, end = row["visit_start_datetime"], row["visit_end_datetime"]
    began = clock.instant(text, UTC) if times.names_moment(text) else None
    if began is None:
        reason = "the moment at which the visit began is not known; the case is not used."
        return Problem(file, reason, row.number, "visit_start_datetime", AS_PUBLISHED)
    decided = began + WAIT
    ended = clock.instant(end, UTC) if end else None
    last = clock.instant(row["visit_end_date"], UTC)
    over = ended < decided if ended else bool(last and last.date() < decided.date())
    if over:
        reason = "the visit ended before the decision, 24 hours after it began."
        return Problem(file, reason, row.number, "visit_end_date", "none; leave it out")
    return decided


def _case(
    root: Path,
    row: Row,
    persons: Mapping[str, Row],
    sites: Mapping[str, str],
    tables: _Tables,
) -> Iterator[Reading]:
    case_id = row["visit_occurrence_id"]
    decided = _decision(row, row.file)
    if isinstance(decided, Problem):
        yield SkippedCase(case_id, replace(decided, case_id=case_id))
        return
    person = persons.get(row[KEY])
    case = row_of(
        row,
        row.file,
        case_id=case_id,
        patient_id=row[KEY],
        decision_time=decided.isoformat(),
        site=sites.get(row["care_site_id"], ""),
        sex=SEX.get(person["gender_concept_id"], "") if person else "",
        birth_date=_born(person) if person else "",
    )
    rows: dict[str, list[Row]] = {"measurements": [], "history": [], "notes": []}
    for stem, found in tables.events.items():
        for one in found.of(row[KEY]):
            match stem:
                case "measurement":
                    rows["measurements"].append(_measured(one, tables.concepts, decided))
                case "note":
                    rows["notes"].append(_note(one, decided))
                case _:
                    began = row["visit_start_date"]
                    rows["history"].append(_happened(one, stem, tables.concepts, began))
    names = {found.file: _NAMES[stem] for stem, found in tables.events.items()}
    yield from retold.read(root, case, rows, names)


def _born(person: Row) -> str:
    if person["birth_datetime"]:
        return person["birth_datetime"]
    parts = [person["year_of_birth"], person["month_of_birth"], person["day_of_birth"]]
    known = parts[: parts.index("")] if "" in parts else parts
    return "-".join(part.zfill(2) for part in known)


def _measured(row: Row, concepts: Mapping[str, _Concept], decided: datetime) -> Row:
    concept = concepts.get(row["measurement_concept_id"], NONE)
    unit = concepts.get(row["unit_concept_id"], NONE)
    code = concept.code if concept.system == "LOINC" else ""
    value = row["value_as_number"] or row["value_source_value"]
    row, time = _timed(row, "measurement", decided)
    return row_of(
        row,
        row.file,
        code=code or row["measurement_source_value"] or concept.name,
        value=OPERATORS.get(row["operator_concept_id"], "") + value,
        unit=unit.code if unit.system == "UCUM" else row["unit_source_value"],
        time=time,
    )


def _note(row: Row, decided: datetime) -> Row:
    row, time = _timed(row, "note", decided)
    return row_of(row, row.file, section=row["note_title"], text=row["note_text"], time=time)


def _timed(row: Row, stem: str, decided: datetime) -> tuple[Row, str]:
    """The row, marked where it may be later than the decision, and its time."""
    moment, day = row[f"{stem}_datetime"], row[f"{stem}_date"]
    if times.names_moment(moment) and clock.instant(moment, UTC):
        return row, moment
    if not day:
        reason = "the row has no time; it may be later than the decision."
        return retold.fault(row, row.file, f"{stem}_date", reason), ""
    if day[:10] >= decided.date().isoformat():
        return retold.fault(row, row.file, f"{stem}_date", SAME_DAY, retold.AFTERWARDS), ""
    return row, day


def _happened(row: Row, stem: str, concepts: Mapping[str, _Concept], began: str) -> Row:
    kind = stem.partition("_")[0]
    column = "condition_start_date" if kind == "condition" else "drug_exposure_start_date"
    own = concepts.get(row[f"{kind}_source_concept_id"], NONE)
    concept = own if codes.is_system(own.system) else concepts.get(row[f"{kind}_concept_id"], NONE)
    if not row[column] or row[column][:10] >= began[:10]:
        row = retold.fault(row, row.file, column, OF_VISIT, "none; it is no input")
    known = codes.is_system(concept.system)
    words = row[f"{kind}_source_value"]
    code = concept.code if known else f"omop:{concept.system}:{concept.code}"
    if not concept.code:
        code = f"omop:{words}" if words else ""
    return row_of(
        row,
        row.file,
        code=code,
        code_system=concept.system if known else "",
        display=concept.name or words,
        onset=row[column][:10],
    )
