"""What a table is for: one of the folder format, or one of another layout that could become one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from clinical.tables import csv_text
from clinical.terms import loinc
from pipelines.checking import codes as coded
from pipelines.checking.columns import SYNONYMS, ColumnFound
from pipelines.checking.findings import Finding
from pipelines.checking.measurements import Value, is_unit
from pipelines.checking.raw_table import RawTable

RECOGNISED = 0.2
"""Share of rows whose name is known from which a column counts as one of names of measurements."""
MOST_NAMES = 5000
LONG_TEXT = 60
STAND_INS = ("-1", "-9", "-99", "-999", "-9999", "99", "999", "9999")
_PATH = re.compile(r".+\.(?:dcm|png|jpe?g|ima|dicom)", re.IGNORECASE)
_LAST_WORDS = (
    "val",
    "value",
    "result",
    "count",
    "perc",
    "percent",
    "entry",
    "first",
    "last",
    "mean",
)


@dataclass(frozen=True)
class TableFound:
    """One table.

    Attributes:
        file, encoding, delimiter, rows, ragged, cut: see `RawTable`.
        columns: what they hold.
        role: table of the folder format that it is or could be; "" where neither.
        mapping: our column to its own, where they differ and it is plain.
        wide: columns that are measurements themselves.
    """

    file: str
    encoding: str
    delimiter: str
    rows: int
    ragged: int
    cut: bool
    columns: tuple[ColumnFound, ...]
    role: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    wide: tuple[str, ...] = ()


def table_found(
    raw: RawTable,
    columns: Sequence[ColumnFound],
    role: str = "",
    mapping: Mapping[str, str] | None = None,
    wide: Sequence[str] = (),
) -> TableFound:
    """The facts of a table without its cells."""
    facts = (raw.file, raw.encoding, raw.delimiter, raw.rows, raw.ragged, raw.cut)
    return TableFound(*facts, tuple(columns), role, dict(mapping or {}), tuple(wide))


def recognised(raw: RawTable, columns: Sequence[ColumnFound]) -> TableFound:
    """What a table of another layout could be in the folder format."""
    mapping = _long(raw, columns)
    if mapping:
        return table_found(raw, columns, "measurements", mapping)
    wide = [c.name for c in columns if c.kind in ("numbers", "mixed") and term_name(c.name)]
    person = {
        ours: theirs
        for ours in ("case_id", "patient_id", "sex", "age_years", "site", "decision_time")
        if (theirs := _named(columns, ours))
    }
    if len(wide) >= 2:
        return table_found(raw, columns, "measurements", person, wide)
    for role, found in (
        ("images", _images(raw, columns)),
        ("history", _history(raw, columns)),
        ("notes", _notes(raw, columns)),
    ):
        if found:
            keys = _keys(columns)
            if role == "history" and "case_id" not in keys:
                return table_found(raw, columns, "dictionary")
            return table_found(raw, columns, role, {**keys, **found})
    role = "cases" if {"sex", "age_years"} & set(person) else ""
    return table_found(raw, columns, role, person if role else {})


def _keys(columns: Sequence[ColumnFound]) -> dict[str, str]:
    case, time = (
        _named(columns, "case_id") or _named(columns, "patient_id"),
        _named(columns, "time"),
    )
    return {ours: name for ours, name in (("case_id", case), ("time", time)) if name}


def _named(columns: Sequence[ColumnFound], ours: str) -> str:
    """The column that has one of the names of ours, in the order of these names."""
    by_name = {c.name.lower(): c.name for c in columns if c.filled}
    for name in (ours, *SYNONYMS.get(ours, ())):
        if name in by_name:
            return by_name[name]
    return ""


def _long(raw: RawTable, columns: Sequence[ColumnFound]) -> dict[str, str]:
    """Columns of a table that has one value in a row; empty where it is none."""
    best, most = "", RECOGNISED * raw.rows
    for column in columns:
        if column.kind == "words" and 0 < column.distinct <= MOST_NAMES:
            names = Counter(raw.column(column.name))
            known = sum(n for name, n in names.items() if name and loinc.candidates(name))
            if known > most:
                best, most = column.name, known
    value = _named(columns, "value") if best else ""
    if not best or not value:
        return {}
    unit = _unit_column(raw, columns, best)
    return {**_keys(columns), "code": best, "value": value, **({"unit": unit} if unit else {})}


def _unit_column(raw: RawTable, columns: Sequence[ColumnFound], names: str) -> str:
    named = _named(columns, "unit")
    if named:
        return named
    for column in columns:
        if column.kind == "words" and column.name != names and column.filled:
            units = Counter(raw.column(column.name))
            if sum(n for unit, n in units.items() if unit and is_unit(unit)) > column.filled / 2:
                return column.name
    return ""


def _images(raw: RawTable, columns: Sequence[ColumnFound]) -> dict[str, str]:
    for column in columns:
        if column.kind == "words" and _PATH.fullmatch(
            next(filter(None, raw.column(column.name)), "")
        ):
            view = _named(columns, "view")
            return {"path": column.name, **({"view": view} if view else {})}
    return {}


def _history(raw: RawTable, columns: Sequence[ColumnFound]) -> dict[str, str]:
    for column in columns:
        if re.search(r"icd|snomed|atc\b", column.name, re.IGNORECASE) and column.filled:
            return {"code": column.name}
        if column.kind == "words" and column.distinct <= MOST_NAMES:
            counts = Counter(cell for cell in raw.column(column.name) if cell)
            known = sum(
                n
                for code, n in counts.items()
                if coded.system_of(coded.canonical(code, "").code) in ("ICD-10", "ATC")
            )
            if known > counts.total() / 2:
                return {"code": column.name}
    return {}


def _notes(raw: RawTable, columns: Sequence[ColumnFound]) -> dict[str, str]:
    for column in columns:
        if column.kind == "words" and column.distinct > 10:
            cells = [cell for cell in raw.column(column.name) if cell]
            if sum(map(len, cells)) / len(cells) > LONG_TEXT:
                return {"text": column.name}
    return {}


@lru_cache(maxsize=4096)
def term_name(column: str) -> str:
    """The name of a measurement in the name of a column ("CRPEntry", "wbc_val"), or ""."""
    if loinc.candidates(column):
        return column
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", column)
    while words:
        for text in (" ".join(words), "".join(words)):
            if len(text) > 1 and loinc.candidates(text):
                return text
        if words[-1].lower() not in _LAST_WORDS:
            return ""
        words.pop()
    return ""


def values(raw: RawTable, found: TableFound) -> Iterator[Value]:
    """The measurements of a table of either layout."""
    case = raw.column(found.mapping.get("case_id", "case_id"))
    if found.wide:
        for name in found.wide:
            for who, cell in zip(case, raw.column(name), strict=True):
                if cell:
                    yield Value(who, name, cell, "", table=raw.file)
        return
    ours = ("code", "value", "unit", "time", "specimen")
    cells = [raw.column(found.mapping.get(name, name)) for name in ours]
    for who, name, value, unit, time, specimen in zip(case, *cells, strict=True):
        yield Value(who, name, value, unit, time, specimen, raw.file)


def findings(raw: RawTable, found: TableFound) -> Iterator[Finding]:
    """What is odd about a table as a file."""
    if found.ragged:
        yield Finding(
            "decide",
            found.file,
            "Rows have another number of cells than the header; a comma in a number or a text may"
            " have moved them.",
            "quote cells that hold the delimiter",
            found.ragged,
        )
    if raw.garbled:
        yield Finding(
            "decide",
            found.file,
            f"Cells hold bytes that are not {found.encoding}; the letters there are lost.",
            f"{csv_text.RESAVE}, or write its encoding under [csv] in cohort.toml",
            raw.garbled,
        )
    if found.cut:
        yield Finding(
            "decide", found.file, "From some row on, the file could not be read as a table."
        )
    for column in found.columns:
        yield from _of_numbers(column, f"{found.file}, column {column.name}")
    yield from _stand_ins(raw, found)


def _of_numbers(column: ColumnFound, place: str) -> Iterator[Finding]:
    if column.kind not in ("numbers", "mixed"):
        return
    if column.form == "both":
        yield Finding(
            "decide",
            place,
            "Numbers are written with a decimal point in some cells and with a decimal comma in"
            " others.",
            "write them in one way",
            column.filled,
        )
    elif column.form.startswith("either, comma"):
        yield Finding(
            "decide",
            place,
            "Every comma is followed by three digits: 3,500 may be 3.5 or 3500.",
            'say decimal = "," or thousands = "," in [csv]',
            column.filled,
        )
    elif column.form == "exponent" and re.search(r"id\b|nr|number", column.name, re.IGNORECASE):
        yield Finding(
            "decide",
            place,
            "Long numbers are written with an exponent, and have lost their last digits.",
            "export the column as text",
            column.filled,
        )


def _stand_ins(raw: RawTable, found: TableFound) -> Iterator[Finding]:
    """A number that stands for "not known", such as -1 or 999."""
    columns: dict[str, list[str]] = defaultdict(list)
    cells = Counter[str]()
    for column in found.columns:
        word, count = _stand_in(raw, column)
        if word:
            columns[word].append(f"{column.name} ({count / column.filled:.0%})")
            cells[word] += count
    for word, names in columns.items():
        yield Finding(
            "decide",
            found.file,
            f"Cells are {word}, beyond all others of their column, and seem to stand for a value"
            f" that is not known: {', '.join(names)}.",
            "leave these cells empty",
            cells[word],
        )


def _stand_in(raw: RawTable, column: ColumnFound) -> tuple[str, int]:
    if column.kind != "numbers" or column.distinct < 4:
        return "", 0
    counts = Counter(cell.removesuffix(".0") for cell in raw.column(column.name) if cell)
    for word in STAND_INS:
        if counts[word] < 0.05 * column.filled:
            continue
        others = [n for text, n in _numbers(counts) if text != word]
        if others and (min(others) > float(word) if word[0] == "-" else max(others) < float(word)):
            return word, counts[word]
    return "", 0


def _numbers(counts: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    for text in counts:
        try:
            yield text, float(text)
        except ValueError:
            continue


def dialect(found: TableFound) -> str:
    """Encoding and delimiter in words."""
    mark = csv_text.DELIMITERS.get(found.delimiter, f"{found.delimiter!r}")
    return f"{found.encoding}, {mark}" if found.delimiter else found.encoding
