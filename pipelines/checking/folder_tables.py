"""The tables of a cohort in the folder format: as they lie there, and as the cohort's reader takes
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from clinical.case.case import Problem
from clinical.cohorts import folder_layout
from clinical.cohorts.folder_layout import FolderSettings
from clinical.tables import numbers, table
from clinical.tables.form import PLAIN, Form
from clinical.tables.table import Table
from pipelines.checking.columns import ColumnFound, columns_of
from pipelines.checking.raw_table import PARQUET, RawTable, Unopened, opened
from pipelines.checking.tables_found import TableFound, table_found

UNDECIDED = "decimal point or comma, told cell by cell"


@dataclass(frozen=True)
class FolderTables:
    """Tables by their name in the format.

    Attributes:
        raw: as they lie there.
        read: the same with our names of columns, without rows that cannot be trusted; of a table
            that the reader refuses, as it lies there.
        forms: how the columns are written, as the reader found.
        found: what is in them.
        notes: what the reader found of how tables are written, and is no fault.
        unopened: files that are no table at all.
        refused: stem to why the reader uses nothing of the table.
    """

    raw: Mapping[str, RawTable] = field(default_factory=dict)
    read: Mapping[str, RawTable] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    found: Mapping[str, TableFound] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    unopened: tuple[Unopened, ...] = ()
    refused: Mapping[str, Problem] = field(default_factory=dict)

    def column(self, stem: str, name: str) -> tuple[str, ...]:
        """The cells of a column of ours; nothing where there is no such table."""
        return self.read[stem].column(name) if stem in self.read else ()

    def file(self, stem: str) -> str:
        """The file of a table."""
        return self.raw[stem].file if stem in self.raw else f"{stem}.csv"

    def numbers(self, stem: str, name: str) -> tuple[str, ...]:
        """The cells of a column, numbers with a decimal point; what has two readings is empty."""
        form = self.forms.get(stem, PLAIN).number(name)
        return tuple(numbers.canonical(cell, form)[0] for cell in self.column(stem, name))


def folder_tables(root: Path, settings: FolderSettings) -> FolderTables:
    """Open every table of a cohort."""
    raw: dict[str, RawTable] = {}
    read: dict[str, RawTable] = {}
    forms: dict[str, Form] = {}
    found: dict[str, TableFound] = {}
    refused: dict[str, Problem] = {}
    unopened: list[Unopened] = []
    notes: list[Problem] = []
    for stem, ours in folder_layout.TABLES.items():
        file, _ = folder_layout.find(root, stem)
        if file is None:
            continue
        told = settings.told[stem]
        taken = table.load(root, file, ours, told=told)
        one = opened(root, root / file) if isinstance(taken, Problem) else as_it_lies(taken)
        if isinstance(one, Unopened):
            unopened.append(one)
            continue
        raw[stem] = one
        columns = columns_of(one, ours.known)
        if isinstance(taken, Problem):
            refused[stem], read[stem] = taken, one
        else:
            read[stem], forms[stem] = _as_read(one, taken), taken.form
            notes += taken.notes
            columns = tuple(_column(column, taken, told.ignore) for column in columns)
        found[stem] = table_found(one, columns, stem)
    return FolderTables(raw, read, forms, found, tuple(notes), tuple(unopened), refused)


def as_it_lies(taken: Table) -> RawTable:
    """A table that the reader takes, with the file's own names and without a second reading."""
    encoding = taken.shape.written if taken.shape else PARQUET
    delimiter = taken.shape.delimiter if taken.shape else ""
    names = {at: taken.names.get(ours, ours) for ours, at in taken.columns.items()}
    whole = [row.cells for row in taken.rows if row.fault is None]
    cells = _by_column(whole, sorted(names))
    ragged = sum(row.fault is not None and not row.fault.column for row in taken.rows)
    cut = any("no longer" in one.reason or "from this row" in one.reason for one in taken.problems)
    ordered = tuple(names[at] for at in sorted(names))
    return RawTable(taken.file, encoding, delimiter, ordered, cells, len(whole), ragged, cut=cut)


def _by_column(
    rows: Sequence[tuple[str, ...]], places: Sequence[int]
) -> tuple[tuple[str, ...], ...]:
    columns = list(zip(*rows, strict=True))
    return tuple(tuple(map(str.strip, columns[at])) if columns else () for at in places)


def _as_read(raw: RawTable, taken: Table) -> RawTable:
    """The same cells under our names."""
    ours = {theirs: name for name, theirs in taken.names.items()}
    return replace(raw, names=tuple(ours.get(name, name) for name in raw.names))


def _column(column: ColumnFound, taken: Table, ignored: Sequence[str]) -> ColumnFound:
    """What the reader makes of a column of the file."""
    given = {theirs: ours for ours, theirs in taken.names.items()}
    ours = given.get(column.name, column.ours)
    if column.name in ignored:
        return replace(column, ours="ignored", near="")
    form = column.form
    if ours in taken.form.numbers and column.kind in ("numbers", "mixed") and form != "exponent":
        stated = taken.form.numbers[ours]
        form = str(stated) if stated else UNDECIDED
        form = "whole" if column.form == "whole" else form
    return replace(column, ours=ours, near="" if ours else column.near, form=form)


def decisions(tables: FolderTables) -> Mapping[str, str]:
    """Case to its decision time, as written."""
    pairs = zip(
        tables.column("cases", "case_id"), tables.column("cases", "decision_time"), strict=True
    )
    return dict(pairs)


def timed_columns(tables: FolderTables) -> Iterator[tuple[str, str]]:
    """Tables of inputs, each with its column of times."""
    for stem, one in tables.read.items():
        if stem not in ("cases", "outcomes") and stem not in tables.refused:
            for name in ("time", "onset"):
                if name in one.names:
                    yield stem, name
