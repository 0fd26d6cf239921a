"""eICU Collaborative Research Database 2.0 or its demo: the tables as published, gzipped or not.

One case for each stay in an intensive-care unit; doi:10.13026/C2WM1R, the demo
doi:10.13026/gxmm-es70 (ODbL 1.0). Large tables go past in blocks, and only the columns and rows
that are needed stay.

- The decision is 24 hours after admission to the unit, because the APACHE values are the worst of
  these 24 hours. Times are minutes from that admission; the decision is `clock.OFFSET_EPOCH`. A
  stay that ended before is skipped: there was nothing left to decide.
- `measurements`: `lab`, blood pressures of `vitalaperiodic`, current vital signs and weight of
  `physicalexam`, the APACHE values of `apacheapsvar` (-1 stands for "not known"; no time of their
  own), height and weight at admission. **A laboratory value counts as known when it was last
  revised**, since the table holds the revised value alone. **`labresult` lost the sign of bounds
  such as "<0.02" and is empty there: `labresulttext` counts then, in the unit of the interface.**
  Where both are there and do not say the same in their units, nobody knows which is right, and
  neither is used (of ionised calcium a quarter is in mmol/L under "mg/dL").
- `history`: age (`> 89` is read as 90), sex, past history as entered up to the decision as events
  `eicu:<path>`, chronic conditions of `apachepredvar` and whether the patient was ventilated,
  intubated or dialysed (`apacheapsvar`) as present or absent.
- `notes`: findings of the physical examination, review of systems, social and family history: the
  words of the menus that were chosen, one text for each time. There is no free text in the set.
- The site is the hospital; region, teaching status, unit and ethnicity can group patients in a
  study.
- Outcomes. `pneumonia`: the APACHE admission diagnosis is a pneumonia or pulmonary sepsis; unknown
  where there is none, and where it is another one but a pneumonia was charted during the stay.
  `hospital_death`: died before leaving the hospital; unknown where that is not recorded, or where
  the patient had left before the decision.
- **Left out because they name an outcome or what was done for it**: admission diagnoses (all of
  them: a diagnosis that is missing would tell as much), `diagnosis`, `treatment`, `medication`,
  `microlab`, assessments, plans and interventions of `note`, predictions and results of APACHE.
  Left out because nothing is needed of them: allergies, care plans, respiratory settings, sums of
  fluids, highest and lowest vital signs, `vitalPeriodic` and `nurseCharting`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from clinical.case.case import Outcome, SkippedCase
from clinical.cohorts import eicu_tables, retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading
from clinical.cohorts.eicu_tables import DECISION, KEY
from clinical.errors import CohortError
from clinical.tables import clock, selected, table
from clinical.tables.selected import AS_PUBLISHED, Selection, select
from clinical.tables.table import Columns, Row, Table

NAME = "eicu"
CASES_AT_ONCE = retold.AT_ONCE
PATIENTS = "patient"
HOSPITALS = "hospital"

PNEUMONIA = ("Pneumonia, ", "Sepsis, pulmonary")
"""How the APACHE admission diagnoses begin that are the outcome."""

CHARTED = "|pneumonia"
"""In the path of a charted diagnosis: a part that is called pneumonia, of whatever cause."""

STATUS: Mapping[str, bool | None] = {"Expired": True, "Alive": False, "": None}

GROUPS = ("unittype", "ethnicity", "unitstaytype")
HOSPITAL = ("region", "teachingstatus", "numbedscategory")

COLUMNS = Columns(
    (
        KEY,
        "uniquepid",
        "gender",
        "age",
        "hospitalid",
        "unitdischargeoffset",
        "apacheadmissiondx",
        "hospitaldischargestatus",
        "hospitaldischargeoffset",
    ),
    ("admissionheight", "admissionweight", *GROUPS),
)


def describe(root: Path) -> CohortDescription:
    """Name, origin, licence and the two outcomes."""
    _stays(root)
    return CohortDescription(
        "eICU Collaborative Research Database",
        "doi:10.13026/C2WM1R",
        "of the database: PhysioNet Credentialed Health Data 1.5; of the demo: ODbL 1.0",
        (Diagnosis("pneumonia", "233604007"), Diagnosis("hospital_death")),
    )


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each stay; the site is the hospital."""
    rows, _ = table.unique(_stays(root), KEY)
    hospitals = _hospitals(root)
    return tuple(
        CaseEntry(
            row[KEY],
            row["uniquepid"],
            _site(row),
            columns={name: row[name] for name in GROUPS} | hospitals.get(row["hospitalid"], {}),
        )
        for row in rows
    )


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `measurements`, `history` and `notes` where they are there."""
    found = _stays(root)
    yield from found.problems
    rows, repeated = table.unique(found, KEY)
    yield from repeated
    rows = [row for row in rows if wanted is None or row[KEY] in wanted]
    told: set[object] = set()
    for lot in retold.lots(rows):
        tables = eicu_tables.select_all(root, {row[KEY] for row in lot})
        for problem in (one for part in tables.values() for one in part.problems):
            if problem not in told:
                yield problem
                told.add(problem)
        for row in lot:
            yield from _case(root, found.file, row, tables)


def outcomes(root: Path) -> Iterator[Outcome]:
    """`pneumonia` and `hospital_death` of each stay."""
    rows, _ = table.unique(_stays(root), KEY)
    charted = _charted(root, {row[KEY] for row in rows})
    for row in rows:
        diagnosis, status = row["apacheadmissiondx"], row["hospitaldischargestatus"]
        if row.fault or status not in STATUS:
            raise CohortError(
                f"{PATIENTS}.csv, row {row.number}, column hospitaldischargestatus: the label is"
                " not of this set.",
                remedy=AS_PUBLISHED,
            )
        named = diagnosis.startswith(PNEUMONIA)
        doubtful = not diagnosis or (not named and row[KEY] in charted)
        left = clock.number(row["hospitaldischargeoffset"])
        early = left is None or left <= DECISION
        yield Outcome(row[KEY], "pneumonia", None if doubtful else named)
        days = None if left is None or early else (left - DECISION) / (24 * 60)
        yield Outcome(row[KEY], "hospital_death", None if early else STATUS[status], days=days)


def _charted(root: Path, stays: set[str]) -> set[str]:
    """The stays during which a pneumonia was charted."""
    file = selected.find(root, "diagnosis")
    if file is None:
        return set()
    found = select(root, file, KEY, stays, ("diagnosisstring",))
    return {
        stay
        for stay in found.places
        if any(CHARTED in row["diagnosisstring"] for row in found.of(stay))
    }


def _stays(root: Path) -> Table:
    file = selected.find(root, PATIENTS) or f"{PATIENTS}.csv"
    return table.demand(table.load(root, file, COLUMNS))


def _hospitals(root: Path) -> dict[str, dict[str, str]]:
    file = selected.find(root, HOSPITALS)
    found = table.load(root, file, Columns(("hospitalid",), HOSPITAL)) if file else None
    if not isinstance(found, Table):
        return {}
    return {row["hospitalid"]: {name: row[name] for name in HOSPITAL} for row in found.rows}


def _site(row: Row) -> str:
    return f"hospital {row['hospitalid']}" if row["hospitalid"] else ""


def _case(root: Path, file: str, row: Row, tables: Mapping[str, Selection]) -> Iterator[Reading]:
    case_id = row[KEY]
    stayed = clock.number(row["unitdischargeoffset"])
    fault = row.fault
    if not fault and stayed is None:
        reason = "the minutes from admission to discharge are not a number."
        fault = retold.fault(row, file, "unitdischargeoffset", reason).fault
    elif not fault and stayed is not None and stayed < DECISION:
        reason = "the stay in the unit ended before the decision, 24 hours after admission."
        fault = retold.fault(row, file, "unitdischargeoffset", reason, "none; leave it out").fault
    if fault:
        yield SkippedCase(case_id, replace(fault, case_id=case_id))
        return
    case = selected.row_of(
        row,
        file,
        case_id=case_id,
        patient_id=row["uniquepid"],
        decision_time=clock.OFFSET_EPOCH.isoformat(),
        site=_site(row),
        sex=row["gender"],
        age_years=row["age"].replace("> 89", "90"),
    )
    stay = replace(row, file=file)
    rows, names = eicu_tables.retell(stay, tables), eicu_tables.names(stay, tables)
    yield from retold.read(root, case, rows, names)
