"""Coded history and demographics of a case, from history.csv and the table of cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from clinical.case.case import Problem
from clinical.case.shapes import Event, Events
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns
from clinical.terms import codes

TABLE = CaseTable(
    "history",
    Columns(("case_id", "code", "display"), ("code_system", "onset", "offset_days", "present")),
    time="onset",
)
HISTORY = "history"

Taken = tuple[str, int, Event]
"""File, number of the row, and what it says."""

PRESENT = {"": True, "1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Events]:
    """Every timely event, and the age and sex that the table of cases gives."""
    taken: list[Taken] = []
    for file, row, onset in timely(case, TABLE.stem, watch, "onset", problems):
        present = PRESENT.get(row["present"].lower())
        if not row["code"]:
            reason, remedy = "the code is empty.", "give a code, or a name such as local:smoker"
            problems.append(Problem(file, reason, row.number, "code", remedy))
        elif present is None:
            reason, remedy = "the cell is not 1, 0, yes or no.", "write 1, 0, yes or no"
            problems.append(Problem(file, reason, row.number, "present", remedy))
        else:
            coded = codes.canonical(row["code"], row["code_system"])
            if coded.problem:
                reason = f"{coded.problem}."
                problems.append(Problem(file, reason, row.number, "code", codes.SYSTEM_REMEDY))
            event = Event(coded.code, row["display"] or row["code"], onset, present)
            taken.append((file, row.number, event))
    items = _without_contradictions(taken, problems)
    if items or case.age_years is not None or case.sex:
        return {HISTORY: Events(tuple(items), case.age_years, case.sex)}
    return {}


def _without_contradictions(taken: Sequence[Taken], problems: list[Problem]) -> list[Event]:
    """The events but for those that are said to be there and not to be there at one time."""
    groups: dict[tuple[str, datetime | None], list[Taken]] = defaultdict(list)
    for one in taken:
        groups[one[2].code, one[2].onset].append(one)
    split = {
        key: group for key, group in groups.items() if len({e.present for _, _, e in group}) > 1
    }
    for (file, row, _), *others in split.values():
        rows = " and ".join(str(number) for number in (row, *(other[1] for other in others)))
        reason = f"rows {rows} say of one code that it is present and that it is not; none is used."
        problems.append(Problem(file, reason, row, "present", "keep the right one"))
    return [event for _, _, event in taken if (event.code, event.onset) not in split]
