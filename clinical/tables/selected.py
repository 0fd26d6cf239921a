"""Rows of large tables by the case that they are of, in the few columns that are needed.

Tables of an intensive-care set have tens of millions of rows of which one reading wants some. They
go past in blocks; only the wanted columns of wanted rows stay, packed, until a case asks for its
own. The files are of a published layout, so UTF-8, and commas or tabs; what they are not is
reported.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from clinical.case.case import Problem
from clinical.tables import parquet
from clinical.tables.csv_text import RESAVE
from clinical.tables.header import fold
from clinical.tables.table import Row

AS_PUBLISHED = "use the file as published"
BLOCK = 8 * 2**20
"""Bytes of a CSV file that are parsed at a time."""

MOST_SKIPPED = 1000
"""Rows with too many or too few cells; a file with more of them is another file."""

NUMBER = "(row)"
"""Column for the row's number in the file; no published column is called so."""

_BROKEN = (pyarrow.ArrowException, OSError, EOFError, ValueError)


@dataclass(frozen=True)
class Selection:
    """The wanted rows of one table.

    Attributes:
        file: relative to the root.
        problems: of the file, not of one row.
        columns: name, as the reader calls it, to the position of its cell.
        found: the wanted columns of the wanted rows, by key, then in file order.
        places: key to its first row in `found`, and the one after its last.
    """

    file: str
    problems: tuple[Problem, ...] = ()
    columns: Mapping[str, int] = field(default_factory=dict)
    found: pyarrow.Table | None = None
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def of(self, key: str) -> list[Row]:
        """The rows of one key, in file order."""
        if self.found is None or key not in self.places:
            return []
        start, stop = self.places[key]
        part = self.found.slice(start, stop - start)
        numbers = part.column(NUMBER).to_pylist()
        cells = [part.column(name).to_pylist() for name in self.columns]
        return [self._row(n, row) for n, *row in zip(numbers, *cells, strict=True)]

    def values(self, column: str) -> set[str]:
        """Every different cell of a column."""
        if self.found is None or column not in self.columns:
            return set()
        return {parquet.text(one) for one in self.found.column(column).unique().to_pylist()}

    def _row(self, number: int, cells: Sequence[object]) -> Row:
        try:
            texts, fault = tuple(map(parquet.text, cells)), None
        except UnicodeDecodeError:
            texts = tuple(_readable(cell) for cell in cells)
            fault = Problem(self.file, "a cell is not UTF-8.", number, remedy=RESAVE)
        return Row(number, texts, self.columns, fault, self.file)


def find(root: Path, stem: str) -> str | None:
    """The file of a table: `stem` with .csv, .csv.gz or .parquet, in whatever case, or None."""
    folder, _, name = stem.rpartition("/")
    place = root / folder
    if not place.is_dir():
        return None
    there = {path.name.casefold(): path.name for path in sorted(place.iterdir(), reverse=True)}
    for ending in (".csv", ".csv.gz", ".parquet"):
        found = there.get(f"{name}{ending}".casefold())
        if found:
            return f"{folder}/{found}" if folder else found
    return None


def select(
    root: Path,
    file: str,
    key: str,
    wanted: Collection[str],
    columns: Sequence[str],
    optional: Sequence[str] = (),
) -> Selection:
    """The rows of `root / file` whose `key` is wanted.

    Args:
        root, file: where it lies.
        key: column that says whose the row is.
        wanted: the keys.
        columns: further columns that it must have.
        optional: that it may have. Case does not matter in names.

    Returns:
        Without rows, and with a problem, where a column is missing or the file cannot be read.
    """
    path = root / file
    try:
        header = _header(path)
        theirs = {fold(name): name for name in reversed(header)}
        missing = next((one for one in (key, *columns) if fold(one) not in theirs), None)
        if missing:
            reason = "the column is missing; the file is not used."
            return Selection(file, (Problem(file, reason, 1, missing, AS_PUBLISHED),))
        names = {
            one: theirs[fold(one)] for one in (key, *columns, *optional) if fold(one) in theirs
        }
        problems: list[Problem] = []
        kept = list(_kept(path, file, names, key, wanted, problems))
    except _BROKEN as error:
        reason = f"the file cannot be read ({type(error).__name__})."
        return Selection(file, (Problem(file, reason, remedy="fetch it again"),))
    return _selection(file, names, kept, key, problems)


def _selection(
    file: str,
    names: Mapping[str, str],
    kept: Sequence[pyarrow.Table],
    key: str,
    problems: Sequence[Problem],
) -> Selection:
    columns = {name: at for at, name in enumerate(names)}
    if not kept:
        return Selection(file, tuple(problems), columns)
    whole = pyarrow.concat_tables(kept)
    keys = pyarrow.compute.cast(whole.column(key), pyarrow.string())
    order = pyarrow.compute.sort_indices(
        pyarrow.table({"key": keys, "row": whole.column(NUMBER)}),
        sort_keys=[("key", "ascending"), ("row", "ascending")],
    )
    counted = pyarrow.compute.value_counts(keys.take(order).combine_chunks())
    places, start = {}, 0
    for one in counted.to_pylist():
        places[one["values"]] = (start, start + one["counts"])
        start += one["counts"]
    return Selection(file, tuple(problems), columns, whole.take(order), places)


def _kept(
    path: Path,
    file: str,
    names: Mapping[str, str],
    key: str,
    wanted: Collection[str],
    problems: list[Problem],
) -> Iterator[pyarrow.Table]:
    """The wanted rows of each block, with their numbers, under the reader's names."""
    packed = path.suffix == ".parquet"
    kind = pyarrow.string() if packed else pyarrow.binary()
    values = pyarrow.array(sorted(wanted), pyarrow.string()).cast(kind)
    read = _parquet if packed else _csv
    for numbers, block in read(path, file, list(names.values()), problems):
        keys = pyarrow.compute.cast(block.column(names[key]), kind)
        mask = pyarrow.compute.is_in(keys, value_set=values)
        whole = pyarrow.table(
            [numbers, *(_exact(block.column(theirs)) for theirs in names.values())],
            names=[NUMBER, *names],
        )
        chosen = whole.filter(mask)
        if chosen.num_rows:
            yield chosen


def _exact(column: pyarrow.Array) -> pyarrow.Array:
    """Numbers of single precision as they were written: 5.1 and not 5.099999904632568."""
    single = column.type in (pyarrow.float32(), pyarrow.float16())
    return pyarrow.compute.cast(column, pyarrow.string()) if single else column


Block = tuple[pyarrow.Array, pyarrow.RecordBatch]


def _csv(path: Path, file: str, columns: Sequence[str], problems: list[Problem]) -> Iterator[Block]:
    skipped: list[int] = []

    def refuse(row: pyarrow.csv.InvalidRow) -> str:
        if len(skipped) == MOST_SKIPPED:
            return "error"
        skipped.append(row.number)
        reason = f"the row has {row.actual_columns} cells, the header has {row.expected_columns}."
        remedy = "quote cells that hold a comma, and keep empty cells"
        problems.append(Problem(file, reason, row.number, remedy=remedy))
        return "skip"

    mark = _mark(path)
    reader = pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=mark,
            # Tables with tabs (the vocabulary of OMOP) quote nothing; their names hold quotes.
            quote_char=False if mark == "\t" else '"',
            newlines_in_values=mark != "\t",
            ignore_empty_lines=False,
            invalid_row_handler=refuse,
        ),
        # Bytes, so that one cell that is not UTF-8 costs its row and not the file.
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=list(columns),
            column_types=dict.fromkeys(columns, pyarrow.binary()),
            strings_can_be_null=False,
        ),
    )
    before = 0
    with reader:
        for block in reader:
            numbers = _numbers(before, block.num_rows, skipped)
            before += block.num_rows
            yield numbers, block


def _numbers(before: int, count: int, skipped: Sequence[int]) -> pyarrow.Array:
    """The number of each row in the file: the header is 1, and skipped rows are counted."""
    numbers = list(range(before + 2, before + 2 + count))
    for gone in skipped:
        numbers = [number + (number >= gone) for number in numbers]
    return pyarrow.array(numbers, pyarrow.int64())


def _parquet(
    path: Path, file: str, columns: Sequence[str], problems: list[Problem]
) -> Iterator[Block]:
    del file, problems
    before = 0
    with pyarrow.parquet.ParquetFile(path) as table:
        for block in table.iter_batches(columns=list(columns)):
            yield _numbers(before, block.num_rows, ()), block
            before += block.num_rows


def _header(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return list(pyarrow.parquet.read_schema(path).names)
    line = _first_line(path)
    return next(csv.reader([line], delimiter=_mark(path)), [])


def _mark(path: Path) -> str:
    """What stands between the cells: a tab where the header has one."""
    return "\t" if "\t" in _first_line(path) else ","


def _first_line(path: Path) -> str:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:
        return text.readline(2**16).rstrip("\r\n")


def _readable(cell: object) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else parquet.text(cell)


@lru_cache(maxsize=256)
def positions(columns: tuple[str, ...]) -> Mapping[str, int]:
    """Column to the position of its cell, for rows that a reader puts together itself."""
    return {name: at for at, name in enumerate(columns)}


def row_of(origin: Row, file: str, **cells: str) -> Row:
    """A row of a table of ours that says what `origin`, a row of somebody else's table, says."""
    return Row(origin.number, tuple(cells.values()), positions(tuple(cells)), origin.fault, file)
