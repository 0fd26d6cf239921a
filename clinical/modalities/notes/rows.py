"""Notes of a case from notes.csv."""

from __future__ import annotations

from collections.abc import Mapping

from clinical.case.case import Problem
from clinical.case.shapes import Text, Texts
from clinical.tables.case_rows import CaseRows, CaseTable, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns

TABLE = CaseTable("notes", Columns(("case_id", "section", "text"), ("time", "offset_days")))
NOTES = "notes"


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Texts]:
    """Every timely section of text."""
    items: list[Text] = []
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        if row["text"]:
            items.append(Text(row["section"] or "note", row["text"], time))
        else:
            reason, remedy = "the text is empty.", "fill it in, or remove the row"
            problems.append(Problem(file, reason, row.number, "text", remedy))
    return {NOTES: Texts(tuple(items))} if items else {}
