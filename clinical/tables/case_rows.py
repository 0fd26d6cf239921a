"""The rows of one case in the tables of the folder format, and which of them may be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Protocol

from clinical.case.case import Problem
from clinical.case.shapes import Sex, Shape
from clinical.tables import clock
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row


@dataclass(frozen=True)
class CaseTable:
    """A table of inputs in the folder format.

    Attributes:
        stem: file name without its ending.
        columns: that it must and may have.
        paths: whether its column `path` names files below the cohort's folder.
    """

    stem: str
    columns: Columns
    paths: bool = False


@dataclass(frozen=True)
class CaseRows:
    """All rows of one case.

    Attributes:
        root, zone: of the cohort.
        file, row: its row in the table of cases.
        files: table to file name.
        rows: table to the rows of this case.
        age_years, sex: from the table of cases.
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
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def decision(self) -> datetime | None:
        """The decision time, or None where the row states none that can be read."""
        text = self.row["decision_time"]
        return clock.instant(text, self.zone) if text else None


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
    for row in case.rows.get(stem, ()):
        file = case.files[stem]
        moment = row.fault or watch.moment(file, row, column)
        if isinstance(moment, Problem):
            problems.append(moment)
        else:
            yield file, row, moment
