"""The fields of a case that is entered on the page, by their keys, and what they say together."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from clinical.case.case import Case
from clinical.case.shapes import Measurement
from clinical.cohorts.entered import Condition, Entered, File, Section
from clinical.cohorts.received import Received
from clinical.formatting import number
from clinical.modalities.history.words import since
from clinical.modalities.kit import person, read_by
from clinical.tables import pasted
from clinical.tables.pasted import Sheet
from clinical.terms import normalise
from clinical.terms.diagnoses import coded as named
from clinical.terms.diagnoses import diagnoses
from clinical.terms.loinc import lookup

PREFIX = "add-"
CASE_ID, PATIENT, SEX, AGE, BIRTH = "add-case-id", "add-patient", "add-sex", "add-age", "add-birth"
DECISION, ZONE = "add-decision", "add-zone"
LABS, LABS_TIME, DECIMAL, DATES = "add-labs", "add-labs-time", "add-decimal", "add-dates"
HISTORY, DENIED, NOTES_TIME = "add-history", "add-denied", "add-notes-time"
KEEP = "add-keep-files"

SECTIONS = {
    "presenting_complaint": "Presenting complaint",
    "history_of_presenting_illness": "History of presenting illness",
    "past_history": "Past history",
    "examination": "Examination",
    "family_history": "Family history",
    "note": "Other",
}
SEXES = {"": "Not known", "female": "Female", "male": "Male"}
VIEWS = {
    "": "As the file says",
    "PA": "PA",
    "AP": "AP",
    "LATERAL": "Lateral",
}
UNKNOWN_VIEW = "?"
PICTURE_VIEWS = {"PA": "PA", "AP": "AP", "LATERAL": "Lateral", UNKNOWN_VIEW: "Not known"}
PHOTOMETRICS = {
    "MONOCHROME2": "Bone is bright (MONOCHROME2)",
    "MONOCHROME1": "Bone is dark (MONOCHROME1)",
}
UNITS = {"mV": "mV", "uV": "µV", "V": "V"}
FILE_ROLES = {"": "To be read", "prior": "Of an earlier visit"}
DECIMALS = {"": "As the column shows", ".": "Point: 3.5", ",": "Comma: 3,5"}
ORDERS = {"": "As the column shows", "day first": "Day first", "month first": "Month first"}
COLUMN_ROLES = {
    "code": "Name or code",
    "value": "Value",
    "unit": "Unit",
    "time": "Time",
    "specimen": "Specimen",
    "": "Not used",
}


@cache
def zones() -> tuple[str, ...]:
    """Names of time zones, UTC first."""
    named = sorted(name for name in zoneinfo.available_timezones() if "/" in name)
    return ("UTC", *(name for name in named if not name.startswith(("Etc/", "SystemV/"))))


def defaults(now: datetime, zone: str) -> dict[str, Any]:
    """What stands in the fields of a case that is new.

    Args:
        now: with its zone.
        zone: IANA name of the zone of who enters it.
    """
    known = zone if zone in zones() else "UTC"
    local = now.astimezone(zoneinfo.ZoneInfo(known))
    empty = dict.fromkeys((CASE_ID, PATIENT, SEX, AGE, BIRTH, LABS, LABS_TIME, NOTES_TIME), "")
    notes = dict.fromkeys(map(note_key, SECTIONS), "")
    chosen = {DECIMAL: "", DATES: "", HISTORY: [], DENIED: [], KEEP: True}
    return {
        **{**empty, **notes, **chosen},
        DECISION: f"{local:%Y-%m-%d %H:%M}",
        ZONE: known,
    }


def note_key(section: str) -> str:
    """Key of the field of a section of the note."""
    return f"{PREFIX}note-{section}"


def since_key(code: str) -> str:
    """Key of the field that says since when an item of history is there."""
    return f"{PREFIX}since-{code}"


def column_key(at: int, name: str) -> str:
    """Key of the field that says what a column of the pasted table is."""
    return f"{PREFIX}column-{at}-{name}"


def file_key(what: str, file: Received) -> str:
    """Key of a field of one file: view, photometric, time, role, rate or unit."""
    return f"{PREFIX}{what}-{file.digest[:16]}"


def file_defaults(files: Sequence[Received]) -> dict[str, Any]:
    """What stands in the fields of files; of a PNG, JPEG or table, somebody has to say it."""
    found: dict[str, Any] = {}
    for file in files:
        asked = None if file.sort == "picture" else ""
        found |= {file_key("view", file): asked, file_key("photometric", file): asked}
        found |= {file_key("time", file): "", file_key("role", file): ""}
        unit = file.unit.replace("µ", "u").replace("μ", "u")
        found |= {file_key("rate", file): file.rate}
        found |= {file_key("unit", file): unit if unit in UNITS else None}
    return found


def conditions() -> dict[str, str]:
    """Code to how it is listed, of what a search of history offers; any other may be typed."""
    return {
        code.removeprefix("ICD-10:"): " · ".join(
            part for part in (item.name, code.removeprefix("ICD-10:"), item.also) if part
        )
        for code, item in diagnoses().items()
    }


def coded(written: str) -> str:
    """The code of what was chosen or typed; a whole name that the list has is its code."""
    return (named(written) or written).removeprefix("ICD-10:")


def roles_of(sheet: Sheet, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """What each column of the pasted table is: as was chosen, else as it seems."""
    return tuple(
        str(fields.get(column_key(at, name), guess))
        for at, (name, guess) in enumerate(zip(sheet.names, sheet.guess, strict=True))
    )


def entered(fields: Mapping[str, Any], files: Sequence[Received], free: str) -> Entered:
    """What the fields say.

    Args:
        fields: key to what stands in it.
        files: that were received.
        free: name of the case where none was given.
    """

    def text(key: str) -> str:
        return str(fields.get(key) or "").strip()

    sheet = pasted.sheet(text(LABS))
    age = text(AGE)
    return Entered(
        case_id=text(CASE_ID) or free,
        patient_id=text(PATIENT),
        decision_time=text(DECISION),
        zone=text(ZONE) or "UTC",
        sex=text(SEX),
        age_years=age,
        birth_date="" if age else text(BIRTH),
        films=tuple(_file(file, text) for file in files if not file.is_recording),
        recordings=tuple(_file(file, text) for file in files if file.is_recording),
        measurements=pasted.arranged(sheet, roles_of(sheet, fields), time=text(LABS_TIME)),
        decimal=text(DECIMAL),
        dates=text(DATES),
        history=_history(fields),
        notes=tuple(
            Section(section, words, text(NOTES_TIME))
            for section in SECTIONS
            if (words := text(note_key(section)))
        ),
    )


def _file(file: Received, text: Any) -> File:
    view = text(file_key("view", file))
    return File(
        file.path,
        view="" if view == UNKNOWN_VIEW else view,
        photometric=text(file_key("photometric", file)) if file.sort == "picture" else "",
        time=text(file_key("time", file)),
        role=text(file_key("role", file)),
        rate=text(file_key("rate", file)) if file.sort == "samples" else "",
        unit=text(file_key("unit", file)) if file.sort == "samples" else "",
    )


def _history(fields: Mapping[str, Any]) -> tuple[Condition, ...]:
    known = diagnoses()
    found = []
    for key, present in ((HISTORY, True), (DENIED, False)):
        for written in map(str, fields.get(key) or ()):
            code = coded(written)
            listed = known.get(f"ICD-10:{code}")
            onset = str(fields.get(since_key(written)) or "").strip() if present else ""
            found.append(Condition(code, listed.name if listed else code, onset, present))
    return tuple(found)


def unanswered(fields: Mapping[str, Any], files: Sequence[Received]) -> dict[str, str]:
    """Key of each field that has to be filled in, to what it asks for."""
    asked = {}
    for file in files:
        if file.sort == "picture":
            if not fields.get(file_key("photometric", file)):
                asked[file_key("photometric", file)] = "Say whether bone is bright or dark."
            if not fields.get(file_key("view", file)):
                asked[file_key("view", file)] = "Say which view it is."
        if file.sort == "samples":
            if not str(fields.get(file_key("rate", file)) or "").strip():
                asked[file_key("rate", file)] = "Say how many samples each lead has in a second."
            if not fields.get(file_key("unit", file)):
                asked[file_key("unit", file)] = "Say the unit of the values."
    return asked


def of_case(case: Case) -> dict[str, Any]:
    """The fields of a case that is to be corrected, as its record has them."""
    who, moment = person(case), case.decision_time
    fields: dict[str, Any] = {
        CASE_ID: case.case_id,
        PATIENT: case.patient_id,
        SEX: who.sex or "",
        AGE: "" if who.age_years is None else number(who.age_years),
        DECISION: moment.isoformat(sep=" ", timespec="minutes") if moment else "",
    }
    lines, notes, times = [], dict[str, str](), []
    for kit, _, value in read_by(case):
        lines += [_line(item) for item in kit.measured(value)]
        for event in kit.coded(value):
            key = HISTORY if event.present else DENIED
            fields.setdefault(key, []).append(event.code)
            fields[since_key(event.code)] = since(event)
        for part in kit.written(value):
            section = part.section if part.section in SECTIONS else "note"
            notes[section] = "\n\n".join(filter(None, (notes.get(section, ""), part.text)))
            times += [part.time] if part.time else []
    if lines:
        fields[LABS] = "\n".join(["Code;Value;Unit;Time", *lines])
        fields[DECIMAL] = "."
    fields |= {note_key(section): words for section, words in notes.items()}
    if times:
        fields[NOTES_TIME] = max(times).isoformat(sep=" ", timespec="minutes")
    return fields


def _line(item: Measurement) -> str:
    """A value as its source wrote it, where that says the same with a decimal point; else as it was
    understood.
    """
    code = item.code if lookup(item.code) else item.code.removeprefix("local:")
    value, unit = item.raw_value, item.raw_unit
    if item.value is not None:
        again = normalise.measurement(code, value, unit)
        if "," in value or (again.value, again.bound) != (item.value, item.bound):
            value, unit = f"{item.bound}{item.value!r}", item.unit
    time = item.time.isoformat(timespec="minutes") if item.time else ""
    return ";".join(cell.replace(";", ",") for cell in (code, value, unit, time))
