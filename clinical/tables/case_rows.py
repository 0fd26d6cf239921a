"""The rows of one case in the tables of the folder format, and which of them may be used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Protocol

from clinical.case.case import Problem
from clinical.case.shapes import Sex, Shape
from clinical.tables import clock, numbers
from clinical.tables.clock import Clock
from clinical.tables.form import PLAIN, Form
from clinical.tables.table import Columns, Row


def no_companions(path: Path) -> tuple[Path, ...]:
    """None: what the file at `path` holds, it holds alone."""
    del path
    return ()


@dataclass(frozen=True)
class CaseTable:
    """A table of inputs in the folder format.

    Attributes:
        stem: file name without its ending.
        columns: that it must and may have.
        paths: whether its column `path` names files below the cohort's folder.
        time: column that says when a row was known.
        numbers: columns that hold numbers, each in one number format.
        companions: the files beside a named one that belong to it and are read with it.
    """

    stem: str
    columns: Columns
    paths: bool = False
    time: str = "time"
    numbers: tuple[str, ...] = ()
    companions: Callable[[Path], tuple[Path, ...]] = no_companions

    @cached_property
    def kinds(self) -> Columns:
        """The columns with what they hold."""
        return replace(
            self.columns,
            ids=("case_id",),
            numbers=(*self.numbers, "offset_days"),
            times=(self.time,),
            timed=self.time in self.columns.known,
        )


@dataclass(frozen=True)
class CaseRows:
    """All rows of one case.

    Attributes:
        root, zone: of the cohort.
        file, row: its row in the table of cases.
        files: table to file name, for rows that do not name their own.
        rows: table to the rows of this case.
        age_years, sex: from the table of cases.
        forms: table to how its columns are written.
        decision: the decision time, or None where the row states none.
        codes: of cohort.toml: the cohort's own names of measurements to what they mean.
    """

    root: Path
    zone: tzinfo
    file: str
    row: Row
    files: Mapping[str, str]
    rows: Mapping[str, Sequence[Row]]
    age_years: float | None = None
    sex: Sex | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)
    decision: datetime | None = None
    codes: Mapping[str, str] = field(default_factory=dict)

    def number(self, stem: str, row: Row, column: str) -> tuple[str, str]:
        """A cell as a number with a decimal point, and "" or why it cannot be read so."""
        form = self.forms.get(stem, PLAIN).number(column)
        return numbers.canonical(row[column], form)


class ReadRows(Protocol):
    """Reads the inputs of one modality from the rows of a case."""

    def __call__(
        self, case: CaseRows, watch: Clock, problems: list[Problem]
    ) -> Mapping[str, Shape]:
        """Name of the input to its value; what cannot be used goes to `problems`."""


TimedRow = tuple[str, Row, datetime | None]
"""File, row and time; None where the row gives no time."""


def timely(
    case: CaseRows, stem: str, watch: Clock, column: str, problems: list[Problem]
) -> Iterator[TimedRow]:
    """Each row of a table that is whole and not later than the decision; the others are problems.

    Args:
        case: the case.
        stem: name of the table.
        watch: of the case.
        column: that holds the time.
        problems: where the rows that are left out go.
    """
    form, unplaced = case.forms.get(stem, PLAIN), dict[str, list[Problem]]()
    for row in case.rows.get(stem, ()):
        file = row.file or case.files[stem]
        moment = row.fault or watch.moment(file, row, column, form)
        if not isinstance(moment, Problem):
            yield file, row, moment
        elif moment.reason in (clock.NO_ZONE, clock.ONLY_ZONE):
            unplaced.setdefault(moment.reason, []).append(moment)
        else:
            problems.append(moment)
    for reason, rows in unplaced.items():
        # One cause, one message, however many rows there are.
        count = f"{len(rows)} rows of the case" if rows[1:] else "The row"
        verb = "are" if rows[1:] else "is"
        problems.append(replace(rows[0], reason=f"{reason} {count} {verb} not used."))
