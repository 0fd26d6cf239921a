"""Tables as supplied by cohorts: CSV (UTF-8) or Parquet, every cell as text, no row lost.

Cells stay text because a reader that guesses types turns the identifier 007 into 7. A row is
numbered as a spreadsheet shows it: the header is row 1, a quoted line break does not start a row.
"""

from __future__ import annotations

import codecs
import csv
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet

from clinical.case.case import Problem
from clinical.errors import CohortError

LONGEST_CELL = 16 * 2**20
"""Characters in one cell; csv's own limit of 131,072 is shorter than some discharge letters."""

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
RESAVE = "re-save the file as UTF-8"


@dataclass(frozen=True)
class Columns:
    """Which columns a table must have, may have, and of which it must have one at least."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.required, *self.optional, *self.one_of)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `row[column]` is the stripped cell, "" where the table has no such column.

    Attributes:
        number: as a spreadsheet shows it; the header is 1.
        fault: why the row as a whole cannot be trusted, or None.
    """

    number: int
    cells: tuple[str, ...]
    columns: Mapping[str, int] = field(repr=False)
    fault: Problem | None = None

    def __getitem__(self, column: str) -> str:
        position = self.columns.get(column)
        return "" if position is None else self.cells[position].strip()


@dataclass(frozen=True)
class Table:
    """A table that could be opened.

    Attributes:
        file: its name, relative to the root of the cohort.
        rows: in file order, without empty ones.
        problems: of the file, not of one row.
    """

    file: str
    columns: Mapping[str, int]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()


Wanted = Callable[[Row], bool]


def load(root: Path, file: str, columns: Columns, wanted: Wanted | None = None) -> Table | Problem:
    """Read `root / file`, or say in one `Problem` why none of it can be used.

    Args:
        root, file: where it lies.
        columns: that it must have or may have.
        wanted: which rows to keep; rows go past one by one, so that memory holds no others.
    """
    path = root / file
    if not path.is_file():
        return Problem(file, "the file does not exist.", remedy="put it in the cohort's folder")
    if path.suffix == ".parquet":
        return _parquet(path, file, columns, wanted)
    return _csv(path, file, columns, wanted)


def demand(found: Table | Problem) -> Table:
    """The table, for sources that are nothing without it.

    Raises:
        CohortError: if it could not be opened.
    """
    if isinstance(found, Problem):
        place = f"{found.file}, row {found.row}" if found.row is not None else found.file
        column = f", column {found.column}" if found.column else ""
        raise CohortError(f"{place}{column}: {found.reason}", remedy=found.remedy)
    return found


def unique(cases: Table, column: str) -> tuple[list[Row], list[Problem]]:
    """The first row of each case, and a problem for each row that names none or repeats one."""
    rows: dict[str, Row] = {}
    problems: list[Problem] = []
    remedy = f"give each case its own {column}"
    for row in cases.rows:
        case_id = row[column]
        if row.fault and (not case_id or case_id in rows or row.fault.column == column):
            problems.append(row.fault)
        elif not case_id:
            reason = f"the row has no {column} and is not used."
            problems.append(Problem(cases.file, reason, row.number, column, remedy))
        elif case_id in rows:
            reason = f"the {column} is that of row {rows[case_id].number}; this row is not used."
            problems.append(Problem(cases.file, reason, row.number, column, remedy, case_id))
        else:
            rows[case_id] = row
    return list(rows.values()), problems


def _csv(path: Path, file: str, columns: Columns, wanted: Wanted | None) -> Table | Problem:
    with path.open("rb") as raw:
        if raw.read(2).startswith(UTF16):
            return Problem(file, "the file is UTF-16, not UTF-8.", row=1, remedy=RESAVE)
    bad_byte = _first_bad_byte(path)
    records = _records(path)
    header = next(records, None)
    if header is None or header is BROKEN:
        return Problem(file, "the file has no header.", row=1, remedy=_header_remedy(columns))
    if bad_byte is not None and not _is_utf8(header):
        return Problem(file, f"the header is not UTF-8 (byte {bad_byte}).", row=1, remedy=RESAVE)
    names = [name.strip() for name in header]
    wrong = _header_problem(file, names, columns)
    if wrong:
        return wrong
    positions = {name: position for position, name in enumerate(names)}
    rows: list[Row] = []
    broken = None
    for number, cells in enumerate(records, start=2):
        if cells is BROKEN:
            broken = number
        elif any(cell.strip() for cell in cells):
            row = _row(file, number, cells, positions, len(names), bad_byte)
            if wanted is None or wanted(row):
                rows.append(row)
    problems = (*_misspelt(file, names, columns), *_broken(file, broken))
    return Table(file, positions, tuple(rows), problems)


BROKEN: list[str] = ["(no longer CSV)"]
"""Stands, by identity, for the record from which on a text is not CSV."""


def _records(path: Path) -> Iterator[list[str]]:
    """All records, and BROKEN in place of the first one that is none and all after it."""
    # Bytes that are not UTF-8 become surrogates here and are looked for row by row, so that one
    # bad cell costs one row.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        # strict, because csv otherwise swallows the rest of the file after an unclosed quote.
        reader = csv.reader(lines, strict=True)
        while True:
            before = csv.field_size_limit(LONGEST_CELL)
            try:
                record = next(reader, None)
            except csv.Error:
                record = BROKEN
            finally:
                csv.field_size_limit(before)
            if record is None:
                return
            yield record
            if record is BROKEN:
                return


def _row(
    file: str,
    number: int,
    cells: Sequence[str],
    positions: Mapping[str, int],
    width: int,
    bad_byte: int | None,
) -> Row:
    fault = None
    if len(cells) != width:
        fault = Problem(
            file,
            f"the row has {len(cells)} cells, the header has {width}.",
            row=number,
            remedy="quote cells that hold a comma, and keep empty cells",
        )
        cells = [*cells[:width], *[""] * (width - len(cells))]
    elif bad_byte is not None and not _is_utf8(cells):
        column = next(name for name, at in positions.items() if not _is_utf8([cells[at]]))
        fault = Problem(
            file,
            f"the cell is not UTF-8 (the first such byte of the file is byte {bad_byte}).",
            row=number,
            column=column,
            remedy=RESAVE,
        )
    return Row(number, tuple(cells), positions, fault)


def _first_bad_byte(path: Path) -> int | None:
    decoder, before = codecs.getincrementaldecoder("utf-8")(), 0
    with path.open("rb") as raw:
        while True:
            chunk = raw.read(2**20)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                return before - held + error.start
            if not chunk:
                return None
            before += len(chunk)


def _is_utf8(cells: Sequence[str]) -> bool:
    return not any("\udc80" <= character <= "\udcff" for cell in cells for character in cell)


def _broken(file: str, row: int | None) -> Iterator[Problem]:
    if row is not None:
        yield Problem(
            file,
            "from this row on the file is not valid CSV; this row and all after it are not used.",
            row=row,
            remedy="close every quote, and double a quote that belongs to the text",
        )


def _header_remedy(columns: Columns) -> str:
    return f"start the file with the columns {', '.join(columns.required)}"


def _header_problem(file: str, names: Sequence[str], columns: Columns) -> Problem | None:
    missing = next((name for name in columns.required if name not in names), None)
    if missing is None and columns.one_of and not set(columns.one_of) & set(names):
        missing = columns.one_of[0]
    if missing is not None:
        reason = "the column is missing; the file is not used."
        return Problem(file, reason, 1, missing, _missing_remedy(missing, names))
    # Looked for last: a first row that is no header could hold anything, and is named by nothing.
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        reason = "the column is there twice; the file is not used."
        return Problem(file, reason, 1, twice, "keep one of the two")
    return None


def _missing_remedy(missing: str, names: Sequence[str]) -> str:
    if len(names) == 1 and any(mark in names[0] for mark in ";\t"):
        return "separate the cells with commas"
    near = difflib.get_close_matches(missing, names, n=1, cutoff=0.7)
    return f"rename the column {near[0]!r} to {missing!r}" if near else f"add column {missing!r}"


def _misspelt(file: str, names: Sequence[str], columns: Columns) -> Iterator[Problem]:
    """Unknown columns are the user's business, unless they look like a known one that is absent."""
    absent = [name for name in columns.known if name not in names]
    for name in names:
        if name in columns.known:
            continue
        near = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.8)
        if near:
            yield Problem(
                file,
                "the column is not known and not used.",
                row=1,
                column=name,
                remedy=f"if {near[0]!r} is meant, rename the column; otherwise ignore this",
            )


def _parquet(path: Path, file: str, columns: Columns, wanted: Wanted | None) -> Table | Problem:
    rows: list[Row] = []
    try:
        with pyarrow.parquet.ParquetFile(path) as table:
            names = list(table.schema_arrow.names)
            wrong = _header_problem(file, names, columns)
            if wrong:
                return wrong
            positions = {name: position for position, name in enumerate(names)}
            number = 1
            for batch in table.iter_batches():
                texts = [[_text(cell) for cell in column.to_pylist()] for column in batch.columns]
                for cells in zip(*texts, strict=True):
                    number += 1
                    row = Row(number, cells, positions)
                    if any(cells) and (wanted is None or wanted(row)):
                        rows.append(row)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = f"the file is not readable Parquet ({type(error).__name__})."
        return Problem(file, reason, remedy="write it again, or bring CSV")
    return Table(file, positions, tuple(rows), tuple(_misspelt(file, names, columns)))


def _text(cell: object) -> str:
    """A Parquet cell as the same text that the CSV would hold."""
    match cell:
        case None:
            return ""
        case bool():
            return "1" if cell else "0"
        case float():
            # Identifiers and years become 7.0 where a column of whole numbers has gaps.
            whole = cell.is_integer() and abs(cell) < 2**53
            return "" if cell != cell else str(int(cell)) if whole else repr(cell)
        case datetime() | date():
            return cell.isoformat()
        case bytes():
            return cell.decode("utf-8")
        case _:
            return str(cell)
