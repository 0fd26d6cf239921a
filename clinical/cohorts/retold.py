"""Cases of other layouts, retold in rows of the folder format, so that one reader judges both.

A reader of a relational set says which of its cells is the code, the value, the unit, the time.
What a code, a unit or a specimen means, what contradicts what and what is later than the decision
is then settled by the modalities, exactly as for a cohort in the folder format. Messages name the
file, the row and the column of the set itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path

from clinical.case.case import Case, Problem
from clinical.cohorts.cohort import Reading
from clinical.cohorts.folder_case import CasesRead, assemble
from clinical.cohorts.their_words import Names, in_their_words
from clinical.tables import clock, demographics
from clinical.tables.case_rows import CaseRows
from clinical.tables.form import PLAIN
from clinical.tables.selected import AS_PUBLISHED
from clinical.tables.table import Row

AT_ONCE = 5000
"""Cases whose rows are held at one time; each further lot reads the tables once more."""

AFTERWARDS = "none; it is known only afterwards"

REMEDIES = {
    clock.LATE: AFTERWARDS,
    "not in the table of measurements.": "none; the values are kept as published and not used",
}
"""Reasons of the folder format whose remedy would be none for a published set, to what is."""

Rows = Mapping[str, Sequence[Row]]
"""Table of the folder format to the rows of one case, each with the file that it stands in."""


def read(
    root: Path,
    case: Row,
    rows: Rows,
    names: Names,
    *,
    zone: tzinfo = UTC,
    also: Sequence[Problem] = (),
) -> Iterator[Reading]:
    """One case, or why it is skipped.

    Args:
        root: of the cohort; paths of images are relative to it.
        case: with the columns of cases.csv.
        rows: of the case, with the columns of the tables that they are given for.
        names: our columns to those of the files.
        zone: of times that name none.
        also: what the reader found of the rows itself.
    """
    whole = CaseRows(root, zone, case.file, case, dict.fromkeys(rows, case.file), rows)
    for reading in assemble(whole, CasesRead(zone, PLAIN, demographics.MEANING)):
        if isinstance(reading, Case):
            own = tuple(replace(problem, case_id=reading.case_id) for problem in also)
            yield _together(
                in_their_words(replace(reading, problems=reading.problems + own), names)
            )
        else:
            yield in_their_words(reading, names)


def lots(rows: Sequence[Row]) -> list[Sequence[Row]]:
    """The rows of cases in lots of `AT_ONCE`; one empty lot where there are none."""
    return [rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)] or [()]


def _together(reading: Reading) -> Reading:
    """A case with one message for all rows of a file that are left out for one reason.

    Most rows of such a set are later than the decision, and a message for each would fill the
    memory with them.
    """
    if not isinstance(reading, Case):
        return reading
    groups: dict[tuple[str, str, str], list[Problem]] = {}
    for one in reading.problems:
        groups.setdefault((one.file, one.column, one.reason), []).append(one)
    return replace(reading, problems=tuple(map(_one, groups.values())))


def _one(group: Sequence[Problem]) -> Problem:
    first, others = group[0], len(group) - 1
    remedy = REMEDIES.get(first.reason, first.remedy)
    reason = first.reason
    if others:
        more = "row of the case" if others == 1 else "rows of the case"
        reason = f"{reason} So it is for {others} more {more}."
    return replace(first, reason=reason, remedy=remedy)


def fault(row: Row, file: str, column: str, reason: str, remedy: str = AS_PUBLISHED) -> Row:
    """The row, marked as one that cannot be used."""
    return replace(row, fault=row.fault or Problem(file, reason, row.number, column, remedy))
