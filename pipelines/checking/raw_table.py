"""Any table as it lies in a folder: CSV in whatever dialect, also gzipped, or Parquet.

A cohort's own reader takes only what it understands without a guess. This one opens whatever it
can, so that a check can say what is in it; nothing that is read here reaches a model.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clinical.case.case import Problem
from clinical.tables import table
from clinical.tables.csv_text import LONGEST_CELL
from clinical.tables.table import Columns

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
MOST_ROWS = 2_000_000
LONGEST_NAME = 60
_SAMPLE = 50
_BEGINNING = 1 << 20
_NO_NAME = re.compile(r"[-+]?[\d.,:/T \-]+")


@dataclass(frozen=True)
class RawTable:
    """A table by columns; every cell is stripped text.

    Attributes:
        file: path relative to the folder that is checked.
        encoding, delimiter: as found; "Parquet" and "" for Parquet.
        names: of the columns.
        cells: of each column, from the first row to the last.
        rows: how many.
        ragged: rows that have another number of cells than the header, and are left out.
        cut: whether the file has more than `MOST_ROWS` rows, or is no longer CSV from some row on.
    """

    file: str
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...] = field(repr=False)
    rows: int
    ragged: int = 0
    cut: bool = False

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of a column, or as many empty ones."""
        return self.cells[self.names.index(name)] if name in self.names else ("",) * self.rows


@dataclass(frozen=True)
class Unopened:
    """A table that could not be opened, and why."""

    file: str
    reason: str


def is_table(path: Path) -> bool:
    """Whether the name of a file is that of a table."""
    return path.name.lower().endswith(ENDINGS)


def opened(root: Path, path: Path) -> RawTable | Unopened:
    """The table in a file below `root`."""
    file = path.relative_to(root).as_posix()
    if path.suffix.lower() == ".parquet":
        return _parquet(root, file)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        return Unopened(file, f"the file cannot be read ({type(error).__name__})")
    encoding, text = decoded(data)
    delimiter = delimiter_of(text)
    return _read(file, encoding, delimiter, text)


def dialect_of(path: Path) -> tuple[str, str]:
    """Encoding and delimiter of a file, by its beginning; those of Parquet are its name and ""."""
    if path.suffix.lower() == ".parquet":
        return "Parquet", ""
    with path.open("rb") as file:
        encoding, text = decoded(_whole_letters(file.read(_BEGINNING)))
    return encoding, delimiter_of(text)


def _whole_letters(data: bytes) -> bytes:
    """Without a letter that is cut in two at the end."""
    return data[: data.rfind(b"\n") + 1] or data if len(data) == _BEGINNING else data


def _parquet(root: Path, file: str) -> RawTable | Unopened:
    found = table.load(root, file, Columns(()))
    if isinstance(found, Problem):
        return Unopened(file, found.reason.rstrip("."))
    names = tuple(found.columns)
    cells = tuple(
        tuple(row.cells[at].strip() for row in found.rows) for at in found.columns.values()
    )
    return RawTable(file, "Parquet", "", names, cells, len(found.rows))


def decoded(data: bytes) -> tuple[str, str]:
    """Name of the encoding, and the text. Windows-1252 where it is nothing else."""
    for mark, name, codec in (
        (codecs.BOM_UTF8, "UTF-8 with byte order mark", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "UTF-16", "utf-16"),
        (codecs.BOM_UTF16_BE, "UTF-16", "utf-16"),
    ):
        if data.startswith(mark):
            return name, data.decode(codec, "replace")
    try:
        return "UTF-8", data.decode("utf-8")
    except UnicodeDecodeError:
        return "Windows-1252", data.decode("cp1252", "replace")


def delimiter_of(text: str) -> str:
    """The mark between cells: the one that `sep=` names, else the one that cuts rows alike."""
    stated = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    if stated:
        return stated[1]
    lines = [line for line in text[:200_000].splitlines()[:_SAMPLE] if line.strip()]

    def worth(mark: str) -> tuple[float, int]:
        rows = list(csv.reader(lines, delimiter=mark))
        width = len(rows[0]) if rows else 0
        alike = sum(len(row) == width for row in rows) / len(rows) if rows else 0.0
        return (alike if width > 1 else 0.0, width)

    return max(DELIMITERS, key=worth)


def _read(file: str, encoding: str, delimiter: str, text: str) -> RawTable | Unopened:
    text = re.sub(r"\Asep=.\r?\n", "", text, flags=re.IGNORECASE)
    before = csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[Sequence[str]] = []
    cut = False
    try:
        for record in reader:
            if len(records) > MOST_ROWS:
                cut = True
                break
            if record:
                records.append(record)
    except csv.Error:
        cut = True
    finally:
        csv.field_size_limit(before)
    if not records:
        return Unopened(file, "the file is empty, or not a table")
    names = tuple(name.strip() for name in records[0])
    if not is_header(names):
        # A first row that is no header could hold anything, and is named by nothing.
        return Unopened(file, "the first row is not the header of a table")
    whole = [record for record in records[1:] if len(record) == len(names)]
    cells = tuple(tuple(cell.strip() for cell in column) for column in zip(*whole, strict=True))
    cells = cells or ((),) * len(names)
    ragged = len(records) - 1 - len(whole)
    return RawTable(file, encoding, delimiter, names, cells, len(whole), ragged, cut)


def is_header(names: Sequence[str]) -> bool:
    """Whether a first row can be a header: short words, most of them different, hardly a number."""
    named = [name for name in names if name]
    if len(named) < 2 or any(len(name) > LONGEST_NAME for name in named):
        return False
    numbers = sum(bool(_NO_NAME.fullmatch(name)) for name in named)
    return numbers <= len(named) / 4 and max(Counter(named).values()) <= max(2, len(named) / 2)
