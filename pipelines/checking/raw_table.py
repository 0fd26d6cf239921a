"""Any table as it lies in a folder: CSV in whatever dialect, also gzipped, or Parquet.

A cohort's own reader takes only what it understands without a guess. This one opens whatever it
can, so that a check can say what is in it; nothing that is read here reaches a model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clinical.case.case import Problem
from clinical.tables import csv_text, table
from clinical.tables.csv_text import BROKEN, Shape
from clinical.tables.table import Columns

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
PARQUET = "Parquet"
"""In place of an encoding."""
MOST_ROWS = 2_000_000
LONGEST_NAME = 60
_NO_NAME = re.compile(r"[-+]?[\d.,:/T \-]+")
_SURROGATE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True)
class RawTable:
    """A table by columns; every cell is stripped text.

    Attributes:
        file: path relative to the folder that is checked.
        encoding, delimiter: as found; `PARQUET` and "" for Parquet.
        names: of the columns.
        cells: of each column, from the first row to the last.
        rows: how many.
        ragged: rows that have another number of cells than the header, and are left out.
        garbled: rows with bytes that are not of the encoding.
        cut: whether the file has more than `MOST_ROWS` rows, or is no longer CSV from some row on.
    """

    file: str
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...] = field(repr=False)
    rows: int
    ragged: int = 0
    garbled: int = 0
    cut: bool = False

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of a column, or as many empty ones."""
        return self.cells[self.names.index(name)] if name in self.names else ("",) * self.rows


@dataclass(frozen=True)
class Unopened:
    """A table that could not be opened, why, and what helps."""

    file: str
    reason: str
    remedy: str = ""


def is_table(path: Path) -> bool:
    """Whether the name of a file is that of a table."""
    return path.name.lower().endswith(ENDINGS)


def opened(root: Path, path: Path) -> RawTable | Unopened:
    """The table in a file below `root`."""
    file = path.relative_to(root).as_posix()
    if path.suffix.lower() == ".parquet":
        return _parquet(root, file)
    try:
        shape = csv_text.shape(path, file, None)
        if isinstance(shape, Problem):
            return _unopened(shape)
        return _read(path, file, shape)
    except OSError as error:
        return Unopened(file, f"the file cannot be read ({type(error).__name__})")


def _unopened(problem: Problem) -> Unopened:
    return Unopened(problem.file, problem.reason.rstrip("."), problem.remedy)


def _parquet(root: Path, file: str) -> RawTable | Unopened:
    found = table.load(root, file, Columns(()))
    if isinstance(found, Problem):
        return _unopened(found)
    names = tuple(found.columns)
    cells = tuple(
        tuple(row.cells[at].strip() for row in found.rows) for at in found.columns.values()
    )
    return RawTable(file, PARQUET, "", names, cells, len(found.rows))


def _read(path: Path, file: str, shape: Shape) -> RawTable | Unopened:
    rows: list[list[str]] = []
    cut, garbled = False, 0
    for record in csv_text.records(path, shape):
        if record is BROKEN or len(rows) > MOST_ROWS:
            cut = True
            break
        if shape.bad_byte is not None and not csv_text.is_whole(record):
            garbled += 1
            record = [_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", cell) for cell in record]
        if record:
            rows.append(record)
    if not rows:
        return Unopened(file, "the file is empty, or not a table")
    names = tuple(name.strip() for name in rows[0])
    if not is_header(names):
        # A first row that is no header could hold anything, and is named by nothing.
        return Unopened(file, "the first row is not the header of a table")
    whole = [row for row in rows[1:] if len(row) == len(names)]
    cells = tuple(tuple(cell.strip() for cell in column) for column in zip(*whole, strict=True))
    cells = cells or ((),) * len(names)
    ragged = len(rows) - 1 - len(whole)
    facts = (shape.written, shape.delimiter, names, cells, len(whole), ragged, garbled)
    return RawTable(file, *facts, cut=cut)


def is_header(names: Sequence[str]) -> bool:
    """Whether a first row can be a header: short words, most of them different, hardly a number."""
    named = [name for name in names if name]
    if len(named) < 2 or any(len(name) > LONGEST_NAME for name in named):
        return False
    numbers = sum(bool(_NO_NAME.fullmatch(name)) for name in named)
    return numbers <= len(named) / 4 and max(Counter(named).values()) <= max(2, len(named) / 2)
