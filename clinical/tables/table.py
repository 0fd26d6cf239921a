"""Tables as supplied by cohorts: CSV or Parquet, every cell as text, no row lost.

Cells stay text because a reader that guesses types turns the identifier 007 into 7. A row is
numbered as a spreadsheet shows it: the header is row 1, a quoted line break does not start a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import pyarrow

from clinical.case.case import Problem
from clinical.errors import CohortError
from clinical.tables import columns as columns_of
from clinical.tables import csv_text, identifiers, parquet
from clinical.tables.csv_text import BROKEN, RESAVE, Shape
from clinical.tables.form import PLAIN, Form, Told
from clinical.tables.header import Columns as Columns
from clinical.tables.header import Header, fitting, resolve


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `row[column]` is the stripped cell, "" where the table has no such column.

    Attributes:
        number: as a spreadsheet shows it; the header is 1.
        fault: why the row as a whole cannot be trusted, or None.
        file: that it stands in, where the rows of one table come from several; else "".
    """

    number: int
    cells: tuple[str, ...]
    columns: Mapping[str, int] = field(repr=False)
    fault: Problem | None = None
    file: str = ""

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
        form: how its columns are written.
        names: our name of a column to the file's, where they differ.
        notes: what was found that is not the format's own way to write it; no faults.
        shape: of a CSV file.
    """

    file: str
    columns: Mapping[str, int]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    form: Form = PLAIN
    names: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    shape: Shape | None = None


WITHOUT_ZERO = "ids such as 1001.0 are read as 1001"

Wanted = Callable[[Row], bool]


def load(
    root: Path,
    file: str,
    columns: Columns,
    wanted: Wanted | None = None,
    told: Told | None = None,
) -> Table | Problem:
    """Read `root / file`, or say in one `Problem` why none of it can be used.

    Args:
        root, file: where it lies.
        columns: that it must have or may have.
        wanted: which rows to keep; rows go past one by one, so that memory holds no others.
        told: what the cohort says of the table, if its columns may have other names than ours and
            its cells may be written otherwise; None for a layout that is somebody else's.
    """
    path = root / file
    if not path.is_file():
        return Problem(file, "the file does not exist.", remedy="put it in the cohort's folder")
    if path.suffix == ".parquet":
        return _parquet(path, file, columns, wanted, told)
    return _csv(path, file, columns, wanted, told)


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
        elif unfit := identifiers.fault(case_id):
            reason, how = f"the {column} {unfit}; the row is not used.", identifiers.REMEDY
            problems.append(Problem(cases.file, reason, row.number, column, how))
        elif case_id in rows:
            reason = f"the {column} is that of row {rows[case_id].number}; this row is not used."
            problems.append(Problem(cases.file, reason, row.number, column, remedy, case_id))
        else:
            rows[case_id] = row
    return list(rows.values()), problems


def _csv(
    path: Path, file: str, columns: Columns, wanted: Wanted | None, told: Told | None
) -> Table | Problem:
    shape = csv_text.shape(
        path,
        file,
        lambda names: fitting([name.strip() for name in names], columns, told),
        encoding=told.encoding if told else "",
        delimiter=told.delimiter if told else "",
    )
    if isinstance(shape, Problem):
        return shape
    records = csv_text.records(path, shape)
    names = next(records, None)
    if names is None or names is BROKEN or not any(name.strip() for name in names):
        return Problem(file, "the file has no header.", row=1, remedy=_header_remedy(columns))
    if shape.bad_byte is not None and not csv_text.is_whole(names):
        reason = f"the header is not {shape.written} (byte {shape.bad_byte})."
        return Problem(file, reason, row=1, remedy=RESAVE)
    header = resolve(file, [name.strip() for name in names], columns, told)
    if isinstance(header, Problem):
        return header
    broken: list[Problem] = []
    said = dict.fromkeys(shape.said)

    def rows() -> Iterator[Row]:
        ids = tuple(header.positions[name] for name in columns.ids if name in header.positions)
        for number, cells in enumerate(records, start=2):
            if cells is BROKEN:
                broken.append(_broken(file, number))
            elif any(map(str.strip, cells)):
                for at in ids:
                    if at < len(cells) and cells[at][-2:] == ".0":
                        cells[at] = identifiers.whole(cells[at].strip())
                        said[WITHOUT_ZERO] = None
                yield _row(file, number, cells, header.positions, len(names), shape)

    found = _gathered(file, header, columns, rows(), wanted, told, said, broken=broken)
    return found if isinstance(found, Problem) else replace(found, shape=shape)


def _parquet(
    path: Path, file: str, columns: Columns, wanted: Wanted | None, told: Told | None
) -> Table | Problem:
    typed: set[str] = set()
    try:
        records = parquet.records(path, typed)
        header = resolve(file, next(records), columns, told)
        if isinstance(header, Problem):
            return header
        rows = (
            Row(number, cells, header.positions)
            for number, cells in enumerate(records, start=2)
            if any(cells)
        )
        return _gathered(file, header, columns, rows, wanted, told, typed=typed)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        reason = f"the file is not readable Parquet ({type(error).__name__})."
        return Problem(file, reason, remedy="write it again, or bring CSV")


def _gathered(
    file: str,
    header: Header,
    columns: Columns,
    rows: Iterator[Row],
    wanted: Wanted | None,
    told: Told | None,
    said: Collection[str] = (),
    *,
    typed: Container[str] = (),
    broken: Sequence[Problem] = (),
) -> Table | Problem:
    """The table of the wanted rows; its columns are understood by all rows.

    `broken` is filled while `rows` go past.
    """
    watch = columns_of.Watch(header, columns)
    kept: list[Row] = []
    # Few at a time: many that live for a moment make the collector of garbage look at all others.
    while batch := list(islice(rows, 128)):
        if told is not None:
            watch.see([row.cells for row in batch if row.fault is None])
        kept += batch if wanted is None else filter(wanted, batch)
    form, unknown = PLAIN, None
    if told is not None:
        form, unknown = watch.form(told, typed), watch.unknown_time(file)
    if unknown:
        return unknown
    found = [f"{', '.join(said)}."] if said else []
    notes = [Problem(file, note) for note in (*found, *(f"{c}." for c in columns_of.said(form)))]
    notes += [
        Problem(file, f"the column is read as {ours}.", 1, theirs)
        for ours, theirs in header.names.items()
    ]
    return Table(
        file,
        header.positions,
        tuple(kept),
        (*header.problems, *broken),
        form,
        header.names,
        tuple(notes),
    )


def _row(
    file: str,
    number: int,
    cells: Sequence[str],
    positions: Mapping[str, int],
    width: int,
    shape: Shape,
) -> Row:
    fault = None
    if len(cells) != width:
        fault = Problem(
            file,
            f"the row has {len(cells)} cells, the header has {width}.",
            row=number,
            remedy=f"quote cells that hold {shape.mark}, and keep empty cells",
        )
        cells = [*cells[:width], *[""] * (width - len(cells))]
    elif shape.bad_byte is not None and not csv_text.is_whole(cells):
        column = next(name for name, at in positions.items() if not csv_text.is_whole([cells[at]]))
        fault = Problem(
            file,
            f"the cell is not {shape.written} (the first such byte of the file is byte"
            f" {shape.bad_byte}).",
            row=number,
            column=column,
            remedy=RESAVE,
        )
    return Row(number, tuple(cells), positions, fault)


def _broken(file: str, row: int) -> Problem:
    return Problem(
        file,
        "from this row on the file is not valid CSV; this row and all after it are not used.",
        row=row,
        remedy="close every quote, and double a quote that belongs to the text",
    )


def _header_remedy(columns: Columns) -> str:
    return f"start the file with the columns {', '.join(columns.required)}"
