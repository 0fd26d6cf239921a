"""One case as it was entered by hand: written as an ordinary cohort, and read as any other.

There is no second way to read a film or a potassium: what was entered becomes `cases.csv`,
`images.csv`, `measurements.csv` and so on in a private folder, which `clinical.cohorts.folder`
reads. Its messages name file, row and column, and `row_of` says which row is which.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinical.case.case import Case, Problem, SkippedCase
from clinical.case.shapes import Arrays, Shape
from clinical.cohorts import folder
from clinical.errors import CohortError
from clinical.tables import clock, pasted
from clinical.tables.clock import Clock

SAFE = re.compile(r"[^\W_][\w.-]{0,63}", re.ASCII)
SAFE_REMEDY = (
    "Use up to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit."
)
AHEAD = timedelta(minutes=5)
"""By which the clock of who enters a case may be ahead of ours."""


@dataclass(frozen=True)
class File:
    """A film or a recording.

    Attributes:
        path: below the private folder.
        view, photometric, time, role: as in images.csv; a recording has no view.
        dicom_patient_id: that the file carries, where it is not the case's own.
        rate, unit: as in ecgs.csv, of a table of samples.
    """

    path: str
    view: str = ""
    photometric: str = ""
    time: str = ""
    role: str = ""
    dicom_patient_id: str = ""
    rate: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Condition:
    """One item of history, as in history.csv."""

    code: str
    display: str = ""
    onset: str = ""
    present: bool = True


@dataclass(frozen=True)
class Section:
    """One section of the note, as in notes.csv."""

    section: str
    text: str
    time: str = ""


@dataclass(frozen=True)
class Entered:
    """What stands in the fields.

    Attributes:
        case_id, patient_id, decision_time, sex, age_years, birth_date: as in cases.csv.
        zone: IANA name of the zone of times that name none.
        site: as in cases.csv.
        films, recordings: of images.csv and ecgs.csv.
        measurements: rows of measurements.csv, cells in the order of `pasted.ROLES`.
        decimal: mark in the numbers of measurements, "" where they show it.
        dates: "day first", "month first", or "" where the dates of measurements show it.
        history, notes: of history.csv and notes.csv.
    """

    case_id: str
    patient_id: str
    decision_time: str
    zone: str = "UTC"
    site: str = ""
    sex: str = ""
    age_years: str = ""
    birth_date: str = ""
    films: tuple[File, ...] = ()
    recordings: tuple[File, ...] = ()
    measurements: tuple[tuple[str, ...], ...] = ()
    decimal: str = ""
    dates: str = ""
    history: tuple[Condition, ...] = ()
    notes: tuple[Section, ...] = ()


@dataclass(frozen=True, eq=False)
class Read:
    """What the reader made of it.

    Attributes:
        case: None where it cannot be read at all.
        problems: what is not used, and why; of a case that is read, these go with it.
    """

    case: Case | None
    problems: tuple[Problem, ...]


TABLES = {
    "cases": ("case_id", "patient_id", "decision_time", "site", "sex", "age_years", "birth_date"),
    "images": ("case_id", "path", "view", "photometric", "time", "role", "dicom_patient_id"),
    "ecgs": ("case_id", "path", "time", "rate", "unit", "role", "dicom_patient_id"),
    "measurements": ("case_id", *pasted.ROLES),
    "history": ("case_id", "code", "display", "onset", "present"),
    "notes": ("case_id", "section", "text", "time"),
}


def row_of(place: int) -> int:
    """Row in its table of the film, value, item or section at this place, counted from 0."""
    return place + 2


def unsafe(case_id: str) -> str:
    """Why a name of a case cannot be taken, or ""."""
    if not case_id:
        return "The case has no name."
    return "" if SAFE.fullmatch(case_id) else "The case's name has characters that are not taken."


def write(entered: Entered, root: Path) -> None:
    """Write the tables of the folder format into a private folder; earlier ones are replaced."""
    e, name = entered, entered.case_id
    rows: dict[str, list[Sequence[str]]] = {
        "cases": [(name, e.patient_id, e.decision_time, e.site, e.sex, e.age_years, e.birth_date)],
        "images": [
            (name, f.path, f.view, f.photometric, f.time, f.role, f.dicom_patient_id)
            for f in e.films
        ],
        "ecgs": [
            (name, f.path, f.time, f.rate, f.unit, f.role, f.dicom_patient_id) for f in e.recordings
        ],
        "measurements": [(name, *cells) for cells in e.measurements],
        "history": [
            (name, c.code, c.display, c.onset, "1" if c.present else "0") for c in e.history
        ],
        "notes": [(name, n.section, n.text, n.time) for n in e.notes],
    }
    for stem, columns in TABLES.items():
        file = root / f"{stem}.csv"
        file.unlink(missing_ok=True)
        if rows[stem]:
            _table(file, columns, rows[stem])
    (root / "cohort.toml").write_text(_settings(entered), encoding="utf-8")


def _table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    # As it was typed: a character that is none of UTF-8 is for the reader to refuse.
    with file.open("w", encoding="utf-8", errors="surrogatepass", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        # A NUL ends a text in many programs, and nobody types one.
        writer.writerows([cell.replace("\0", "") for cell in row] for row in rows)


def _settings(entered: Entered) -> str:
    lines = ['name = "entered by hand"', f"time_zone = {json.dumps(entered.zone)}"]
    if entered.decimal:
        lines += ["[csv.measurements]", f"decimal = {json.dumps(entered.decimal)}"]
    if entered.dates:
        lines += ["[columns.measurements]", f"dates = {json.dumps(entered.dates)}"]
    return "\n".join(lines) + "\n"


def read(root: Path) -> Read:
    """Read the one case of a private folder, as every cohort of that format is read."""
    problems: list[Problem] = []
    case: Case | None = None
    try:
        for reading in folder.read(root):
            match reading:
                case Problem():
                    problems.append(reading)
                case SkippedCase():
                    problems.append(reading.problem)
                case Case():
                    case = reading
                    problems += reading.problems
    except CohortError as error:
        problems.append(Problem("cases.csv", error.message, remedy=error.remedy))
    if case is not None and case.decision_time is None:
        reason = "no decision_time is given; nothing can be placed before it."
        problems.append(Problem("cases.csv", reason, 2, "decision_time", "fill it in"))
        case = None
    if case is not None and case.decision_time and case.decision_time > datetime.now(UTC) + AHEAD:
        reason = "the decision_time lies in the future."
        remedy = "write the time at which the decision is needed now, and its time zone"
        problems.append(Problem("cases.csv", reason, 2, "decision_time", remedy))
        case = None
    return Read(case, tuple(problems))


def keeping(found: Case, former: Case) -> tuple[Case, tuple[Problem, ...]]:
    """A corrected case with the films and recordings of its former version, which are not sent
    again; those that are later than the new decision are left out and reported.
    """
    watch = Clock(UTC, found.decision_time)
    inputs: dict[str, Shape] = dict(found.inputs)
    problems: list[Problem] = []
    for name, value in former.inputs.items():
        if not value.arrays:
            continue
        own = inputs.get(name)
        known = own.arrays if own is not None else ()
        timely = []
        for array in value.arrays:
            made = watch.made(array.source)
            if made and found.decision_time and made > found.decision_time:
                reason = f"{name} of the former version was made after the corrected decision."
                problems.append(Problem("images.csv", reason, remedy=clock.ISO_REMEDY))
            elif all(array.digest != one.digest for one in known):
                timely.append(array)
        if known or timely:
            inputs[name] = Arrays((*known, *timely))
    whole = replace(found, inputs=inputs, problems=(*found.problems, *problems))
    return whole, tuple(problems)
