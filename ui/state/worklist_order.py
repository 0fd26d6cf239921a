"""Which cases the worklist shows and in what order; next and previous follow the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

from clinical.review import danger, priority
from clinical.review.danger import Danger
from clinical.review.priority import LEVELS, Level
from clinical.review.status import Status
from clinical.workspace.store import WorklistEntry
from ui.words import phrasing

Column = Literal[
    "priority", "case", "status", "suggestion", "probability", "inputs", "marks", "assigned", "time"
]
Marks = Literal["Any flags", "Out of distribution", "Conflict", "No flags"]

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
FINISHED: frozenset[Status] = frozenset({"reviewed", "complete", "adjudicated"})
_STATUS_ORDER = {status: order for order, status in enumerate(STATUS_WORDS)}
_LEVEL_ORDER = {level: order for order, level in enumerate(LEVELS)}


@dataclass(frozen=True)
class Row:
    """One assessed case and where its review stands.

    Attributes:
        entry: what the store knows of it.
        status: of its review.
        assigned: account name of the reader it is assigned to, or "".
        danger: what of its measurements nobody should overlook.
        bare: inputs that say who the patient is and nothing else.
        patient: pseudonym, or "" for an account that may not read the case.
        accessions: Accession Numbers of its images; none for such an account either.
        notes: how many notes of readers stand.
    """

    entry: WorklistEntry
    status: Status
    assigned: str = ""
    danger: Danger = danger.NONE
    bare: frozenset[str] = frozenset()
    patient: str = ""
    accessions: tuple[str, ...] = ()
    notes: int = 0

    @cached_property
    def level(self) -> Level:
        """How urgent it is to read, by what this row shows of the model's opinion."""
        return priority.level(
            self.entry.dangerous[1] if self.entry.dangerous else None,
            opinion_withheld=self.entry.flagged or self.entry.top is None,
            reviewed=self.status in FINISHED,
            alarm=self.danger.alarm,
        )

    @cached_property
    def words(self) -> str:
        """What a search looks in."""
        top = phrasing.named(self.entry.top[0]) if self.entry.top else ""
        named = (self.entry.case_id, self.patient, *self.accessions, top, self.assigned)
        return " ".join(named).casefold()

    @cached_property
    def moment(self) -> str:
        """Decision time, to sort by; cases without one come last."""
        # Text, because some sources give times with a zone and some without.
        return self.entry.decision_time.isoformat() if self.entry.decision_time else "~"


def unopened(row: Row) -> Row:
    """The row without what the model says of the case, which the worklist would give away.

    What was measured stays: it is no opinion, and the patient cannot wait for a first read.
    """
    said_nothing = replace(row.entry, top=None, dangerous=None, flagged=False, conflicts=0)
    return replace(row, entry=said_nothing)


def unreadable(row: Row) -> Row:
    """The row for an account that may not read the case: `unopened`, and whose it is left out."""
    return replace(unopened(row), patient="", accessions=())


@dataclass(frozen=True)
class View:
    """How a reader has arranged the worklist.

    Attributes:
        search: words that case, patient, accession number, top suggestion and assigned reader must
            hold together, in any case of letters.
        status: only these; empty means all.
        marks: only cases with (or without) a mark.
        without: only cases that lack this input; "" means all.
        assigned: only cases of this reader, "" for nobody's; None means all.
        sort, descending: column and direction.
        page: 0 is the first.
    """

    search: str = ""
    status: tuple[Status, ...] = ()
    marks: Marks = "Any flags"
    without: str = ""
    assigned: str | None = None
    sort: Column = "priority"
    descending: bool = False
    page: int = 0

    def sorted_by(self, column: Column) -> View:
        """Sort by `column`; the other way round if it is the sorting column already."""
        turned = not self.descending if column == self.sort else column == "probability"
        return replace(self, sort=column, descending=turned, page=0)


def arrange(rows: Sequence[Row], view: View) -> list[Row]:
    """The rows that `view` shows, in its order; equal rows stay in order of their case."""
    words = view.search.casefold().split()
    kept = [
        row
        for row in rows
        if (not view.status or row.status in view.status)
        and _marked(row, view.marks)
        and (view.assigned is None or row.assigned == view.assigned)
        and (not view.without or view.without in row.entry.missing)
        and all(word in row.words for word in words)
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


def _marked(row: Row, marks: Marks) -> bool:
    match marks:
        case "Out of distribution":
            return row.entry.flagged
        case "Conflict":
            return row.entry.conflicts > 0
        case "No flags":
            return not row.entry.flagged and not row.entry.conflicts
    return True


_KEYS: dict[Column, Callable[[Row], tuple[str | float, ...]]] = {
    "priority": lambda row: (
        _LEVEL_ORDER[row.level],
        row.level == "done" or row.danger.alarm != row.level,
        row.moment,
    ),
    "case": lambda row: (row.entry.case_id,),
    "status": lambda row: (_STATUS_ORDER.get(row.status, -1),),
    "suggestion": lambda row: (row.entry.top[0] if row.entry.top else "~",),
    "probability": lambda row: (row.entry.top[1] if row.entry.top else -1.0,),
    "inputs": lambda row: (len(row.entry.used), " ".join(row.entry.used)),
    "marks": lambda row: (row.entry.flagged, row.entry.conflicts),
    "assigned": lambda row: (row.assigned or "~",),
    "time": lambda row: (row.moment,),
}
