"""What the tables of eICU say of one stay, in rows of the folder format (see `eicu`)."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from clinical.cohorts import retold
from clinical.tables import clock, selected
from clinical.tables.clock import OFFSET_EPOCH
from clinical.tables.selected import AS_PUBLISHED, Selection, row_of, select
from clinical.tables.table import Row
from clinical.terms import normalise

KEY = "patientunitstayid"
DECISION = 24 * 60
"""Minutes from admission to the unit."""

LONGEST = clock.LONGEST_OFFSET * 24 * 60

REVISED = "the value was revised after the decision, and what it was before is not in the table."
TWO_UNITS = (
    "labresult and labresulttext are not the same value in the units that are given for them."
)
NOT_SAID = "none; which of them is right is not known"
NOT_KNOWN = "-1"
"""What the APACHE tables have in place of an empty cell."""

APACHE = {
    "temperature": ("8310-5", "Cel"),
    "respiratoryrate": ("9279-1", "/min"),
    "heartrate": ("8867-4", "/min"),
    "meanbp": ("8478-0", "mm[Hg]"),
    "wbc": ("6690-2", "10*3/uL"),
    "hematocrit": ("4544-3", "%"),
    "sodium": ("2951-2", "mmol/L"),
    "creatinine": ("2160-0", "mg/dL"),
    "bun": ("3094-0", "mg/dL"),
    "glucose": ("2345-7", "mg/dL"),
    "albumin": ("1751-7", "g/dL"),
    "bilirubin": ("1975-2", "mg/dL"),
    "ph": ("2744-1", "[pH]"),
    "pao2": ("2703-7", "mm[Hg]"),
    "pco2": ("2019-8", "mm[Hg]"),
    "fio2": ("3150-0", "%"),
}
"""Column to LOINC code and unit; pH, pO2 and pCO2 of APACHE are of arterial blood."""

COMA = ("eyes", "motor", "verbal")
"""Parts of the Glasgow Coma Scale, whose total is their sum."""

DONE = {"vent": "Ventilated", "intubated": "Intubated", "dialysis": "Dialysis"}
CHRONIC = {
    "aids": "AIDS",
    "hepaticfailure": "Hepatic failure",
    "lymphoma": "Lymphoma",
    "metastaticcancer": "Metastatic cancer",
    "leukemia": "Leukaemia",
    "immunosuppression": "Immunosuppression",
    "cirrhosis": "Cirrhosis",
    "diabetes": "Diabetes",
}

PRESSURES = {
    "noninvasivesystolic": "8480-6",
    "noninvasivediastolic": "8462-4",
    "noninvasivemean": "8478-0",
}

EXAMINATION = "notes/Progress Notes/Physical Exam/Physical Exam/"
VITAL = f"{EXAMINATION}Constitutional/Vital Sign and Physiological Data/"
VITALS = {
    f"{VITAL}HR/HR Current": ("8867-4", "/min"),
    f"{VITAL}BP (systolic)/BP (systolic) Current": ("8480-6", "mm[Hg]"),
    f"{VITAL}BP (diastolic)/BP (diastolic) Current": ("8462-4", "mm[Hg]"),
    f"{VITAL}Resp Rate/Resp Current": ("9279-1", "/min"),
    f"{VITAL}FiO2%/FiO2%": ("3150-0", "%"),
    f"{VITAL}O2 Sat%/O2 Sat% Current": ("O2 Sat", "%"),
    f"{EXAMINATION}Constitutional/Weight and I&O/Weight (kg)/Current": ("29463-7", "kg"),
}
"""Path of a vital sign to its code, or a name that does not say which, and its unit."""

SCORED = f"{EXAMINATION}Neurologic/GCS/Score/scored"
"""Says that a score was given, not which, and stands in every second examination."""

COMA_TOTAL = re.compile(rf"{EXAMINATION}Neurologic/GCS/\d+")
NUMERIC = re.compile(r"[-+]?[\d.]+")

NOTES = {
    "notes/Progress Notes/Review Of Systems/Systems/": "review of systems",
    "notes/Progress Notes/Social History / Family History/Social History/Social History/": (
        "social history"
    ),
    "notes/Progress Notes/Social History / Family History/Family History/Family History/": (
        "family history"
    ),
}
PAST = "notes/Progress Notes/Past History/Organ Systems/"
HEALTHY = "notes/Progress Notes/Past History/Past History Obtain Options/No Health Problems"

NEEDED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "lab": (
        ("labname", "labresult", "labresultoffset", "labresultrevisedoffset"),
        ("labresulttext", "labmeasurenamesystem", "labmeasurenameinterface"),
    ),
    "vitalaperiodic": (("observationoffset", *PRESSURES), ()),
    "physicalexam": (("physicalexamoffset", "physicalexampath", "physicalexamtext"), ()),
    "apacheapsvar": ((*APACHE, *COMA), tuple(DONE)),
    "apachepredvar": ((), tuple(CHRONIC)),
    "pasthistory": (("pasthistoryenteredoffset", "pasthistorypath", "pasthistoryvalue"), ()),
    "note": (("noteenteredoffset", "notepath", "notevalue"), ()),
}
"""Table to the columns that it must have and may have."""

_NAMES = {
    "lab": {
        "code": "labname",
        "value": "labresult",
        "unit": "labmeasurenamesystem",
        "time": "labresultoffset",
        "specimen": "labname",
    },
    "patient": {"code": "", "value": "", "unit": ""},
    "apacheapsvar": {"code": "", "value": "", "unit": ""},
    "vitalaperiodic": {"time": "observationoffset", "code": "", "value": "", "unit": ""},
    "physicalexam": {
        "time": "physicalexamoffset",
        "code": "physicalexampath",
        "value": "physicalexamtext",
    },
    "pasthistory": {"onset": "pasthistoryenteredoffset", "code": "pasthistorypath"},
    "note": {"time": "noteenteredoffset", "text": "notevalue"},
}

Told = Iterator[tuple[str, Row]]
"""Table of the folder format, and a row of it."""


def select_all(root: Path, stays: Collection[str]) -> dict[str, Selection]:
    """What each table has of some stays; a table that is not there is left out."""
    files = {stem: selected.find(root, stem) for stem in NEEDED}
    return {
        stem: select(root, file, KEY, stays, *NEEDED[stem]) for stem, file in files.items() if file
    }


def names(stay: Row, tables: Mapping[str, Selection]) -> dict[str, Mapping[str, str]]:
    """What the files call our columns."""
    files = {"patient": stay.file} | {stem: found.file for stem, found in tables.items()}
    return {file: _NAMES[stem] for stem, file in files.items() if stem in _NAMES}


def retell(stay: Row, tables: Mapping[str, Selection]) -> dict[str, list[Row]]:
    """Rows of measurements, history and notes of one stay."""
    rows: dict[str, list[Row]] = {"measurements": [], "history": [], "notes": []}
    for stem, row in _admitted(stay):
        rows[stem].append(row)
    for name, found in tables.items():
        for stem, row in _RETELL[name](found, found.of(stay[KEY])):
            rows[stem].append(row)
    return rows


def _admitted(stay: Row) -> Told:
    for column, code, unit in (
        ("admissionheight", "8302-2", "cm"),
        ("admissionweight", "29463-7", "kg"),
    ):
        if stay[column]:
            yield "measurements", _value(stay, code, stay[column], unit)


def _labs(found: Selection, rows: list[Row]) -> Told:
    for row in rows:
        result, text = row["labresult"], row["labresulttext"]
        system = html.unescape(row["labmeasurenamesystem"])  # "&#176;C"
        interface = html.unescape(row["labmeasurenameinterface"])
        value, unit = (result, system) if result else (text, interface)
        timed = _timed(row, found.file, "labresultoffset", "labresultrevisedoffset", REVISED)
        if (
            result
            and text
            and interface
            and not _same(row["labname"], (result, system), (text, interface))
        ):
            timed = timed[0], retold.fault(timed[1], found.file, "labresult", TWO_UNITS, NOT_SAID)
        yield "measurements", _value(timed[1], row["labname"], value, unit, timed[0])


def _same(name: str, one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two ways to write a result say the same, as far as both are understood."""
    first, second = (normalise.understand(name, *cells) for cells in (one, other))
    a, b = first.measurement.value, second.measurement.value
    if a is None or b is None or first.measurement.code != second.measurement.code:
        return True
    # Conversions of the set are rounded, and so are its factors.
    return abs(a - b) <= first.spread + second.spread + 0.05 * abs(b)


def _pressures(found: Selection, rows: list[Row]) -> Told:
    for row in rows:
        time, whole = _timed(row, found.file, "observationoffset")
        for column, code in PRESSURES.items():
            if row[column]:
                yield "measurements", _value(whole, code, row[column], "mm[Hg]", time)


def _examined(found: Selection, rows: list[Row]) -> Told:
    """Vital signs, and findings as one text for each time."""
    texts: dict[str, tuple[Row, list[str]]] = {}
    for row in rows:
        path, text = row["physicalexampath"], row["physicalexamtext"]
        if not path.startswith(EXAMINATION):
            continue
        time, whole = _timed(row, found.file, "physicalexamoffset")
        if path in VITALS:
            yield "measurements", _value(whole, VITALS[path][0], text, VITALS[path][1], time)
        elif COMA_TOTAL.fullmatch(path):
            yield "measurements", _value(whole, "9269-2", text, "{score}", time)
        elif path != SCORED and not NUMERIC.fullmatch(text):
            line = path.removeprefix(EXAMINATION).replace("/", ", ")
            texts.setdefault(time, (whole, []))[1].append(line)
    for time, (first, lines) in texts.items():
        yield "notes", _note(first, "examination", lines, time)


def _apache(found: Selection, rows: list[Row]) -> Told:
    for row in rows:
        for column, (code, unit) in APACHE.items():
            if _given(row, column):
                yield "measurements", _value(row, code, row[column], unit)
        parts = [clock.number(row[column]) for column in COMA]
        if all(part is not None and part > 0 for part in parts):
            total = sum(part for part in parts if part is not None)
            yield "measurements", _value(row, "9269-2", f"{total:g}", "{score}")
        yield from _conditions(row, found.file, DONE)


def _chronic(found: Selection, rows: list[Row]) -> Told:
    for row in rows:
        yield from _conditions(row, found.file, CHRONIC)


def _conditions(row: Row, file: str, columns: Mapping[str, str]) -> Told:
    for column, display in columns.items():
        if _given(row, column):
            told = row_of(
                row, file, code=f"eicu:{column}", display=display, present=row[column], onset=""
            )
            yield "history", told


def _past(found: Selection, rows: list[Row]) -> Told:
    """Each item of the past history once, as first entered."""
    seen: set[str] = set()
    for row in rows:
        path = row["pasthistorypath"]
        if path in seen or not (path.startswith(PAST) or path == HEALTHY):
            continue
        time, whole = _timed(row, found.file, "pasthistoryenteredoffset")
        if time and not whole.fault and time <= OFFSET_EPOCH.isoformat():
            seen.add(path)
            time = ""  # when it was entered is not when it began
        code = path.removeprefix(PAST) if path != HEALTHY else "No Health Problems"
        told = row_of(
            whole, found.file, code=f"eicu:{code}", display=row["pasthistoryvalue"], onset=time
        )
        yield "history", told


def _written(found: Selection, rows: list[Row]) -> Told:
    """Review of systems, social and family history, one text for each section and time."""
    texts: dict[tuple[str, str], tuple[Row, list[str]]] = {}
    for row in rows:
        path = row["notepath"]
        begins = next((one for one in NOTES if path.startswith(one)), None)
        if begins:
            time, whole = _timed(row, found.file, "noteenteredoffset")
            line = path.removeprefix(begins).replace("/", ", ")
            texts.setdefault((NOTES[begins], time), (whole, []))[1].append(line)
    for (section, time), (first, lines) in texts.items():
        yield "notes", _note(first, section, lines, time)


_RETELL: Mapping[str, Callable[[Selection, list[Row]], Told]] = {
    "lab": _labs,
    "vitalaperiodic": _pressures,
    "physicalexam": _examined,
    "apacheapsvar": _apache,
    "apachepredvar": _chronic,
    "pasthistory": _past,
    "note": _written,
}


def _given(row: Row, column: str) -> bool:
    return row[column] not in ("", NOT_KNOWN)


def _value(row: Row, code: str, value: str, unit: str, time: str = "") -> Row:
    return row_of(row, row.file, code=code, value=value, unit=unit, time=time)


def _note(row: Row, section: str, lines: list[str], time: str) -> Row:
    text = "\n".join(dict.fromkeys(lines))
    return row_of(row, row.file, section=section, text=text, time=time)


def _timed(row: Row, file: str, column: str, revised: str = "", why: str = "") -> tuple[str, Row]:
    """When a row is of, and the row; marked where its minutes are none, or it was revised later.

    Args:
        row, file: of the table.
        column: minutes from admission to what it tells.
        revised: column with the minutes to when it was last changed, or "".
        why: reason for leaving it out where that was after the decision.
    """
    minutes = clock.number(row[column])
    if minutes is None or abs(minutes) > LONGEST:
        reason = "the offset is not a number of minutes within a lifetime."
        return "", retold.fault(row, file, column, reason, AS_PUBLISHED)
    changed = clock.number(row[revised]) if row[revised] else minutes
    if minutes <= DECISION and (changed is None or changed > DECISION):
        row = retold.fault(row, file, revised, why, retold.AFTERWARDS)
    return (OFFSET_EPOCH + timedelta(minutes=minutes - DECISION)).isoformat(), row
