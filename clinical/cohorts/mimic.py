"""What the readers of MIMIC-III and MIMIC-IV share: stays, ages, and laboratory values.

- One case for each stay in an intensive-care unit, 24 hours after admission to it; a stay that
  ended before is skipped. Times are shifted by the same amount for all rows of a patient, and
  name no zone.
- `d_labitems` says what an item is: its LOINC code, where there is one and the unit goes with it,
  else its label with the fluid. **Some of its codes are of something else** (per cent of
  leukocytes under codes of counts, transferrin under iron binding capacity): their units show it,
  and the label decides.
- Values count by patient and time, with or without an admission. Where the set says when a result
  was stored, it counts as known from then on.
- Coded diagnoses and the admission's free-text diagnosis are never inputs: the first were coded
  after discharge, the second names the outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinical.case.case import Problem
from clinical.cohorts import retold
from clinical.errors import CohortError
from clinical.tables import clock, selected, table
from clinical.tables.selected import AS_PUBLISHED, Selection, row_of, select
from clinical.tables.table import Columns, Row, Table
from clinical.terms import loinc

SITE = "Beth Israel Deaconess Medical Center"
WAIT = timedelta(hours=24)
OLDEST_TOLD = 89.0
READ_AS = 90.0
"""Years: whoever is older than 89 has had the date of birth moved by 300 years, or the age cut."""

OTHER_CODE = (
    "the LOINC code that d_labitems gives the item is of something that does not come in this unit;"
    " its label is used instead."
)
STORED = "the result was stored after the decision; it was not known yet."

LAB_NAMES = {"code": "itemid", "unit": "valueuom", "time": "charttime", "specimen": "itemid"}
PNEUMONIA_9 = ("480", "481", "482", "483", "484", "485", "486", "4870", "5070", "99731")
PNEUMONIA_10 = ("J12", "J13", "J14", "J15", "J16", "J17", "J18", "J690", "J95851")
"""How codes of pneumonia begin, without their dot: ICD-9-CM 480 to 487.0, 507.0 (aspiration) and
997.31 (of ventilated patients), and the same in ICD-10-CM."""


@dataclass(frozen=True)
class Item:
    """What `d_labitems` says of an item."""

    label: str
    fluid: str
    loinc: str


def whole(root: Path, stem: str, columns: Columns) -> Table:
    """A table without which there is no cohort.

    Raises:
        CohortError: if it is not there or cannot be used.
    """
    file = selected.find(root, stem) or f"{stem}.csv"
    return table.demand(table.load(root, file, columns))


def moment(text: str) -> datetime | None:
    """A time of the set, or None where there is none."""
    return clock.instant(text, UTC) if text else None


def decision(row: Row, file: str) -> datetime | Problem:
    """When the decision of a stay is, or why there is none."""
    admitted, left = moment(row["intime"]), moment(row["outtime"])
    if row.fault:
        return row.fault
    if admitted is None or (row["outtime"] and left is None):
        reason = "the times of admission and discharge cannot be read; the case is not used."
        return Problem(file, reason, row.number, "intime", AS_PUBLISHED)
    if left is not None and left < admitted + WAIT:
        reason = "the stay in the unit ended before the decision, 24 hours after admission."
        return Problem(file, reason, row.number, "outtime", "none; leave it out")
    return admitted + WAIT


def items(root: Path, stem: str) -> dict[str, Item]:
    """The dictionary of laboratory items.

    Raises:
        CohortError: if it is there and cannot be used.
    """
    file = selected.find(root, stem)
    if file is None:
        return {}
    columns = Columns(("itemid", "label", "fluid"), ("loinc_code",))
    found = table.demand(table.load(root, file, columns))
    return {
        row["itemid"]: Item(row["label"], row["fluid"], row["loinc_code"]) for row in found.rows
    }


def labs(root: Path, stem: str, patients: Collection[str]) -> Selection | None:
    """The laboratory values of some patients; None where there is no such table."""
    file = selected.find(root, stem)
    columns = ("itemid", "charttime", "value", "valueuom")
    return select(root, file, "subject_id", patients, columns, ("storetime",)) if file else None


def measured(
    found: Selection,
    rows: Collection[Row],
    known: Mapping[str, Item],
    decided: datetime,
    problems: list[Problem],
) -> Iterator[Row]:
    """Rows of measurements of one patient; `problems` gets those whose code is of another thing."""
    for row in rows:
        item = known.get(row["itemid"], Item(f"item {row['itemid']}", "", ""))
        code, specimen = _code(item, row["valueuom"]), item.fluid
        timely = (taken := moment(row["charttime"])) is not None and taken <= decided
        if timely and row["valueuom"] and code != item.loinc and loinc.candidates(item.loinc):
            remedy = "none; correct the dictionary if the label is the one that is wrong"
            problems.append(Problem(found.file, OTHER_CODE, row.number, "itemid", remedy))
        stored = moment(row["storetime"])
        if not row["charttime"]:
            reason = "the row has no time; it may be later than the decision."
            row = retold.fault(row, found.file, "charttime", reason)
        elif timely and stored and stored > decided:
            row = retold.fault(row, found.file, "storetime", STORED, retold.AFTERWARDS)
        yield row_of(
            row,
            found.file,
            code=code,
            value=row["value"],
            unit=row["valueuom"],
            specimen="" if code == item.loinc else specimen,
            time=row["charttime"],
        )


def _code(item: Item, unit: str) -> str:
    """The item's LOINC code if it is one that the unit goes with or that nobody knows better."""
    terms = loinc.candidates(item.loinc) if item.loinc else ()
    if any(term.read_unit(unit) is not None for term in terms):
        return item.loinc
    return item.label or item.loinc


def years(born: str, admitted: datetime) -> str:
    """Age from a date of birth of MIMIC-III, as a cell; "" where there is none."""
    birth = moment(born)
    if birth is None:
        return ""
    age = (admitted - birth).days / 365.25
    return f"{READ_AS if age > OLDEST_TOLD else round(age, 2):g}"


def coded_pneumonia(root: Path, stem: str) -> set[str]:
    """The admissions of which a diagnosis of pneumonia was coded.

    Raises:
        CohortError: if the table cannot be used.
    """
    columns = Columns(("hadm_id",), ("icd_code", "icd_version", "icd9_code"))
    found = whole(root, stem, columns)
    broken = next((row.fault for row in found.rows if row.fault), None)
    if broken:
        raise CohortError(f"{broken.file}, row {broken.row}: {broken.reason}", remedy=AS_PUBLISHED)
    return {row["hadm_id"] for row in found.rows if _is_pneumonia(row)}


def _is_pneumonia(row: Row) -> bool:
    ninth = row["icd9_code"] or (row["icd_code"] if row["icd_version"] == "9" else "")
    tenth = row["icd_code"] if row["icd_version"] == "10" else ""
    return ninth.startswith(PNEUMONIA_9) or tenth.startswith(PNEUMONIA_10)


def died(row: Row, file: str) -> bool | None:
    """Whether a patient died in hospital, None where that is not recorded.

    Raises:
        CohortError: if the cell is another one.
    """
    meaning = {"1": True, "0": False, "": None}
    if row.fault or row["hospital_expire_flag"] not in meaning:
        raise CohortError(
            f"{file}, row {row.number}, column hospital_expire_flag: the label is not of this set.",
            remedy=AS_PUBLISHED,
        )
    return meaning[row["hospital_expire_flag"]]
