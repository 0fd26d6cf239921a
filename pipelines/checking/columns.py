"""What a column of a table holds: numbers and how they are written, times and how, or words."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from clinical.tables.header import LIKE, fold
from pipelines.checking.raw_table import RawTable

ENOUGH = 0.95
"""Share of the filled cells that tells what a column holds."""

NUMBER = re.compile(r"[<>≤≥]?\s*[+-]?(?:\d[\d.,']*|[.,]\d+)(?:[eE][+-]?\d{1,3})?")
ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?"
)
LOCAL = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,T]+\d{1,2}:\d{2}.*)?")
CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?")
EXPONENT = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+")

SYNONYMS: dict[str, tuple[str, ...]] = {
    "case_id": (
        "encounter",
        "encounter_id",
        "visit_id",
        "stay_id",
        "hadm_id",
        "icustay_id",
        "patientunitstayid",
        "image_id",
        "fallnummer",
        "fall_id",
    ),
    "patient_id": (
        "patientid",
        "patient",
        "subject_id",
        "patient id",
        "pid",
        "mrn",
        "uniquepid",
        "person_id",
        "patientennummer",
    ),
    "decision_time": ("admittime", "admission_time", "index_time", "intime"),
    "sex": ("gender", "patient gender", "geschlecht", "sexo", "sexe"),
    "age_years": ("age", "patient age", "alter", "edad", "age_in_years"),
    "birth_year": ("year_of_birth", "yob", "geburtsjahr"),
    "site": ("hospital", "hospitalid", "location", "center", "centre"),
    "time": (
        "date",
        "datetime",
        "charttime",
        "timestamp",
        "study_date",
        "measured_at",
        "collected",
        "datum",
        "fecha",
        "effectivedatetime",
    ),
    "onset": ("date", "diagnosis_date", "start_date"),
    "code": ("loinc", "loinc_code", "itemid", "labname", "name", "test", "analyte", "parameter"),
    "value": ("valuenum", "result", "labresult", "wert", "valor"),
    "unit": ("valueuom", "units", "einheit", "uom", "labmeasurenamesystem"),
    "display": ("diagnosis", "description", "long_title"),
    "text": ("note", "notetext", "report", "clinical_notes"),
    "section": ("notetype", "category"),
    "path": ("file", "filename", "image", "image index", "dicom", "dicom_path"),
    "view": ("view position", "projection", "viewposition"),
}
"""Names that other sources give to our columns; in lower case."""


@dataclass(frozen=True)
class ColumnFound:
    """One column.

    Attributes:
        name: as the table has it.
        filled: cells that are not empty.
        distinct: different cells.
        kind: "empty", "numbers", "times", "words" or "mixed".
        form: how numbers or times are written, or "".
        ours: the column of the folder format that this is, or "".
        near: one that it may be meant for, or "".
    """

    name: str
    filled: int
    distinct: int
    kind: str
    form: str = ""
    ours: str = ""
    near: str = ""


def columns_of(found: RawTable, known: Iterable[str] = ()) -> tuple[ColumnFound, ...]:
    """Each column of a table.

    Args:
        found: the table.
        known: columns that the table has in the folder format; empty for a table of no cohort.
    """
    ours = tuple(known)
    absent = [name for name in ours if name not in found.names]
    return tuple(
        _column(name, Counter(cells), ours, absent)
        for name, cells in zip(found.names, found.cells, strict=True)
    )


def _column(
    name: str, cells: Counter[str], ours: tuple[str, ...], absent: list[str]
) -> ColumnFound:
    empty = cells.pop("", 0)
    filled = cells.total()
    kind, form = kind_of(cells)
    del empty
    near = "" if name in ours else nearest(name, absent)
    return ColumnFound(name, filled, len(cells), kind, form, name if name in ours else "", near)


def nearest(name: str, absent: Iterable[str]) -> str:
    """The column of the folder format that a name stands for or is a slip of, or ""."""
    absent = list(absent)
    plain = name.strip().lower()
    for one in absent:
        if plain == one or plain in SYNONYMS.get(one, ()) or LIKE.get(fold(name)) == one:
            return one
    found = difflib.get_close_matches(plain.replace(" ", "_"), absent, n=1, cutoff=0.8)
    return found[0] if found else ""


def kind_of(cells: Mapping[str, int]) -> tuple[str, str]:
    """What most cells are, and how they are written."""
    total = sum(cells.values())
    if not total:
        return "empty", ""
    times = {cell: n for cell, n in cells.items() if time_form(cell)}
    if sum(times.values()) >= ENOUGH * total:
        return "times", times_written(times)
    numbers = {cell: n for cell, n in cells.items() if NUMBER.fullmatch(cell)}
    if sum(numbers.values()) >= ENOUGH * total:
        return "numbers", numbers_written(numbers)
    if sum(numbers.values()) >= total / 2:
        return "mixed", numbers_written(numbers)
    return "words", ""


@cache
def time_form(cell: str) -> str:
    """How a cell writes a time, or "" where it is none."""
    iso = ISO.fullmatch(cell)
    if iso:
        return "ISO with zone" if iso[3] else "ISO" if iso[2] else "ISO day"
    local = LOCAL.fullmatch(cell)
    if local and int(local[1]) <= 31 and int(local[3]) <= 31:
        first, second = int(local[1]), int(local[3])
        if first > 12 >= second:
            return "day first"
        if second > 12 >= first:
            return "month first"
        return "day or month first" if max(first, second) <= 12 else ""
    return "time of day" if CLOCK.fullmatch(cell) else ""


def times_written(cells: Mapping[str, int]) -> str:
    """How a column of times is written; two forms are joined by "and"."""
    forms = Counter[str]()
    for cell, n in cells.items():
        forms[time_form(cell)] += n
    # A day above 12 anywhere tells what the others are.
    for told in ("day first", "month first"):
        if forms[told] and not forms[{"day first": "month first"}.get(told, "day first")]:
            forms[told] += forms.pop("day or month first", 0)
    return " and ".join(form for form, n in forms.most_common() if n)


def numbers_written(cells: Mapping[str, int]) -> str:
    """How a column of numbers is written.

    "decimal point" or "decimal comma" where a cell shows it; "either" where a mark is always
    followed by three digits, so that 3.500 may be three and a half or three thousand five hundred;
    "both" where cells contradict each other; "exponent" where a spreadsheet has cut long numbers.
    """
    marks: set[str] = set()
    ambiguous: set[str] = set()
    for cell in cells:
        if EXPONENT.fullmatch(cell):
            return "exponent"
        decimal, doubtful = decimal_mark(cell)
        if decimal:
            (ambiguous if doubtful else marks).add(decimal)
    if len(marks) > 1:
        return "both"
    if marks:
        (mark,) = marks
        return "decimal point" if mark == "." else "decimal comma"
    if ambiguous:
        return "either, comma" if ambiguous == {","} else "either, point"
    return "whole"


_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,'])\d{3})(?:\1\d{3})*(?:([.,])(\d+))?")


def decimal_mark(cell: str) -> tuple[str, bool]:
    """The decimal mark of a number, and whether it may as well separate thousands."""
    text = cell.lstrip("<>≤≥ ")
    grouped = _GROUPED.fullmatch(text)
    if grouped:
        if grouped[2] and grouped[2] != grouped[1]:
            return grouped[2], False
        if grouped[1] == "'":
            return "", False
        if text.count(grouped[1]) > 1:
            return ("," if grouped[1] == "." else "."), False
        return grouped[1], True
    for mark in ".,":
        if mark in text:
            return mark, False
    return "", False
