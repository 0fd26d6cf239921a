"""Which cases the worklist shows and in what order; next and previous follow the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from clinical.review import Status
from clinical.store import WorklistEntry
from ui import wording

Column = Literal["case", "status", "suggestion", "probability", "inputs", "marks", "time"]
Marks = Literal["Any marks", "Out of distribution", "Conflict", "No marks"]

COLUMNS: tuple[Column, ...] = get_args(Column)
MARKS: tuple[Marks, ...] = get_args(Marks)
STATUS_WORDS: dict[Status, str] = {
    "unread": "Unread",
    "opened": "Opened",
    "in_review": "In review",
    "reviewed": "Reviewed",
    "second_read": "Second read",
    "complete": "Signed",
    "disputed": "Readers differ",
    "adjudicated": "Adjudicated",
}
_STATUS_ORDER = {status: order for order, status in enumerate(STATUS_WORDS)}


@dataclass(frozen=True)
class Row:
    """One assessed case and where its review stands."""

    entry: WorklistEntry
    status: Status


@dataclass(frozen=True)
class View:
    """How a reader has arranged the worklist.

    Attributes:
        search: words that case and top suggestion must all hold, in any case of letters.
        status: only these; empty means all.
        marks: only cases with (or without) a mark.
        sort, descending: column and direction.
        page: 0 is the first.
    """

    search: str = ""
    status: tuple[Status, ...] = ()
    marks: Marks = "Any marks"
    sort: Column = "time"
    descending: bool = False
    page: int = 0

    def sorted_by(self, column: Column) -> View:
        """Sort by `column`; the other way round if it is the sorting column already."""
        turned = not self.descending if column == self.sort else column == "probability"
        return View(self.search, self.status, self.marks, column, turned)


def arrange(rows: Sequence[Row], view: View) -> list[Row]:
    """The rows that `view` shows, in its order; equal rows stay in order of their case."""
    words = view.search.casefold().split()
    kept = [
        row
        for row in rows
        if (not view.status or row.status in view.status)
        and _marked(row, view.marks)
        and all(word in _searchable(row) for word in words)
    ]
    kept.sort(key=lambda row: row.entry.case_id)
    kept.sort(key=_KEYS[view.sort], reverse=view.descending)
    return kept


def neighbour(ordered: Sequence[Row], case_id: str, step: int) -> str | None:
    """The case `step` places after (or before) `case_id`, or None past either end."""
    ids = [row.entry.case_id for row in ordered]
    if case_id not in ids:
        return None
    place = ids.index(case_id) + step
    return ids[place] if 0 <= place < len(ids) else None


def next_unread(ordered: Sequence[Row], after: str | None = None) -> str | None:
    """The first unread case after `after`, going round once; None if all are read."""
    ids = [row.entry.case_id for row in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    for row in [*ordered[start:], *ordered[:start]]:
        if row.status == "unread" and row.entry.case_id != after:
            return row.entry.case_id
    return None


def _searchable(row: Row) -> str:
    top = wording.named(row.entry.top[0]) if row.entry.top else ""
    return f"{row.entry.case_id} {top}".casefold()


def _marked(row: Row, marks: Marks) -> bool:
    match marks:
        case "Out of distribution":
            return row.entry.flagged
        case "Conflict":
            return row.entry.conflicts > 0
        case "No marks":
            return not row.entry.flagged and not row.entry.conflicts
    return True


def _time(row: Row) -> str:
    # Text, because some sources give times with a zone and some without.
    return row.entry.decision_time.isoformat() if row.entry.decision_time else "~"


_KEYS: dict[Column, Callable[[Row], tuple[str | float, ...]]] = {
    "case": lambda row: (row.entry.case_id,),
    "status": lambda row: (_STATUS_ORDER.get(row.status, -1),),
    "suggestion": lambda row: (row.entry.top[0] if row.entry.top else "~",),
    "probability": lambda row: (row.entry.top[1] if row.entry.top else -1.0,),
    "inputs": lambda row: (len(row.entry.used), " ".join(row.entry.used)),
    "marks": lambda row: (row.entry.flagged, row.entry.conflicts),
    "time": lambda row: (_time(row),),
}
