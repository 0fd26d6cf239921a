"""A table as somebody pastes or types it: its cells, and what each of its columns seems to be.

What a cell means is not decided here: the cells are written into a table of the folder format, and
read by the reader of that.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from clinical.tables.header import LIKE, fold, sounds_like_time

LONGEST = 1_000_000
"""Characters."""
MOST_ROWS = 5000
MARKS = ("\t", ";", "|", ",")
ROLES = ("code", "value", "unit", "time", "specimen")
"""What a column of measurements may be; a date and a time of day are both "time"."""

_NUMBER = re.compile(r"[<>≤≥]?\s*[-+]?\d[\d.,' ]*\s*[HL*+]{0,2}")
_TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2}.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*|\d{1,2}:\d{2}.*")
_ALSO = {"name": "code", "analyt": "code", "untersuchung": "code", "material": "specimen"}


@dataclass(frozen=True)
class Sheet:
    """Rows of cells.

    Attributes:
        names: of the columns; "Column 1", ... where the first row is none of names.
        rows: without empty ones; some may be shorter or longer than `names`.
        guess: for each column one of `ROLES`, or "" where it is not used.
        mark: between cells.
        left_out: rows beyond `MOST_ROWS`.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: tuple[str, ...]
    mark: str = ";"
    left_out: int = 0


EMPTY = Sheet((), (), ())


def sheet(text: str) -> Sheet:
    """The cells of a text of lines, between tabs, semicolons, vertical bars or commas."""
    lines = [line for line in text[:LONGEST].splitlines() if line.strip()]
    if not lines:
        return EMPTY
    mark = _mark(lines)
    records = [tuple(cell.strip() for cell in record) for record in _records(lines, mark)]
    records = [record for record in records if any(record)]
    if not records:
        return EMPTY
    told = tuple(_role(name) for name in records[0])
    said = any(_NUMBER.fullmatch(cell) or _TIME.fullmatch(cell) for cell in records[0])
    headed = sum(map(bool, told)) >= (2 if said else 1)
    body = records[1:] if headed else records
    if headed:
        names, guess = records[0], _once(told)
    else:
        width = max(map(len, body))
        names = tuple(f"Column {number + 1}" for number in range(width))
        guess = _by_content(body, width)
    return Sheet(names, tuple(body[:MOST_ROWS]), guess, mark, max(0, len(body) - MOST_ROWS))


def _mark(lines: Sequence[str]) -> str:
    """What stands in every line; the rarest mark of ordinary text first."""
    return next((mark for mark in MARKS if all(mark in line for line in lines)), _often(lines))


def _often(lines: Sequence[str]) -> str:
    counts = {mark: sum(mark in line for line in lines) for mark in MARKS}
    return max(MARKS, key=lambda mark: counts[mark]) if any(counts.values()) else ";"


def _records(lines: Sequence[str], mark: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=mark))
    except csv.Error:  # a cell beyond its limit
        return [line.split(mark) for line in lines]


def _role(name: str) -> str:
    folded = fold(name)
    known = next((role for role in ROLES if fold(role) == folded), "")
    alike = known or LIKE.get(folded, "") or _ALSO.get(folded, "")
    if alike in ROLES:
        return alike
    return "time" if folded and sounds_like_time(name) else ""


def _once(roles: Sequence[str]) -> tuple[str, ...]:
    """Each role for the first column that has it, but for time, which may be in two."""
    return tuple(
        role if role == "time" or role not in roles[:at] else "" for at, role in enumerate(roles)
    )


def _by_content(rows: Sequence[Sequence[str]], width: int) -> tuple[str, ...]:
    """Name first, then what looks like times and like a number; what follows that is its unit."""
    found = [""] * width
    for at in range(width):
        cells = [row[at] for row in rows if at < len(row) and row[at]]
        if not cells:
            continue
        if _most(cells, _TIME):
            found[at] = "time"
        elif "code" not in found:
            found[at] = "code"
        elif "value" not in found and _most(cells, _NUMBER):
            found[at] = "value"
        elif "value" in found and "unit" not in found:
            found[at] = "unit"
    return tuple(found)


def _most(cells: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return sum(bool(pattern.fullmatch(cell)) for cell in cells) * 2 > len(cells)


def arranged(found: Sheet, roles: Sequence[str], *, time: str = "") -> tuple[tuple[str, ...], ...]:
    """The rows with their cells in the order of `ROLES`, for a table of the folder format.

    A row that has more cells than columns keeps those beyond, so that the reader says so.

    Args:
        found: the sheet.
        roles: for each of its columns one of `ROLES` or "".
        time: of rows that give none.
    """
    rows = []
    for row in found.rows:
        cells = dict.fromkeys(ROLES, "")
        for role, cell in zip(roles, row, strict=False):
            if role:
                cells[role] = f"{cells[role]} {cell}".strip() if role == "time" else cell
        cells["time"] = cells["time"] or time
        rows.append((*cells.values(), *row[len(found.names) :]))
    return tuple(rows)
