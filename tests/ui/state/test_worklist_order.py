"""What the worklist shows, in what order, and which case comes next."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clinical.case.shapes import Measurement
from clinical.review.danger import NONE, Danger
from clinical.review.status import Status
from clinical.terms.critical import Found
from clinical.workspace.store import WorklistEntry
from ui.pages import worklist
from ui.state.worklist_order import (
    Column,
    Marks,
    Row,
    View,
    arrange,
    neighbour,
    next_unread,
    unreadable,
)


def row(
    case_id: str,
    top: tuple[str, float] | None = ("heart_failure", 0.5),
    *,
    status: Status = "unread",
    day: int | None = 1,
    flagged: bool = False,
    conflicts: int = 0,
    dangerous: float | None = None,
    assigned: str = "",
    critical: bool = False,
) -> Row:
    time = None if day is None else datetime(2031, 1, 1, tzinfo=UTC) + timedelta(days=day)
    danger = None if dangerous is None else ("sepsis", dangerous)
    entry = WorklistEntry(
        case_id, "d", time, ("image",), ("notes",), top, danger, flagged, conflicts
    )
    potassium = Measurement("2823-3", "Potassium", 6.9, "mmol/L", None, "6.9", "mmol/L")
    found = Danger((Found(potassium, "high", "made"),)) if critical else NONE
    return Row(entry, status, assigned, found)


ROWS = (
    row("A", ("heart_failure", 0.9), day=3),
    row("B", ("viral_pneumonia", 0.2), status="reviewed", day=1, flagged=True),
    row("C", None, status="opened", day=None, conflicts=2),
    row("D", ("heart_failure", 0.4), day=2),
)


NOW = datetime(2031, 1, 5, tzinfo=UTC)


def ids(rows: list[Row]) -> str:
    return "".join(row.entry.case_id for row in rows)


@pytest.mark.parametrize(
    ("column", "descending", "order"),
    [
        ("time", False, "BDAC"),
        ("time", True, "CADB"),
        ("case", True, "DCBA"),
        ("probability", True, "ADBC"),
        ("status", False, "ADCB"),
        ("marks", True, "BCAD"),
        ("suggestion", False, "ADBC"),
    ],
)
def test_sort(column: Column, descending: bool, order: str) -> None:
    assert ids(arrange(ROWS, View(sort=column, descending=descending))) == order


@pytest.mark.parametrize(
    ("search", "order"),
    [("", "BDAC"), ("heart", "DA"), ("HEART fail", "DA"), ("b", "B"), ("heart viral", "")],
)
def test_search_needs_every_word(search: str, order: str) -> None:
    assert ids(arrange(ROWS, View(search=search, sort="time"))) == order


@pytest.mark.parametrize(
    ("search", "order"),
    [("pat-17", "A"), ("PAT-17 heart", "A"), ("xa-0042/1", "D"), ("xa-0042/1 pat-17", "")],
)
def test_search_finds_a_patient_and_an_accession_number(search: str, order: str) -> None:
    a, *others, d = ROWS
    rows = (replace(a, patient="PAT-17"), *others, replace(d, accessions=("XA-0042/1",)))
    assert ids(arrange(rows, View(search=search))) == order
    assert ids(arrange([unreadable(row) for row in rows], View(search=search))) == ""


@pytest.mark.parametrize(
    ("marks", "order"),
    [("Out of distribution", "B"), ("Conflict", "C"), ("No flags", "DA"), ("Any flags", "BDAC")],
)
def test_filter_by_marks(marks: Marks, order: str) -> None:
    assert ids(arrange(ROWS, View(marks=marks, sort="time"))) == order


def test_filter_by_status() -> None:
    assert ids(arrange(ROWS, View(status=("unread", "opened"), sort="time"))) == "DAC"


def test_urgent_cases_come_first_and_then_who_has_waited_longest() -> None:
    rows = [
        row("A", day=1),
        row("B", day=9, dangerous=0.7),
        row("C", day=2, dangerous=0.2),
        row("D", None, day=1),
        row("E", day=1, dangerous=0.9, status="reviewed"),
        row("F", day=None, dangerous=0.5),
    ]
    assert ids(arrange(rows, View())) == "BFDCAE"


def test_a_critical_value_comes_before_every_suggestion_until_the_case_is_read() -> None:
    rows = [
        row("A", day=1, dangerous=0.9),
        row("B", day=9, critical=True),
        row("C", day=0, critical=True, status="reviewed"),
        row("D", day=2),
    ]
    assert ids(arrange(rows, View())) == "BADC"


def test_the_worklist_says_what_is_critical_to_whoever_may_read_the_case() -> None:
    rows = [row("A", critical=True)]
    told = str(worklist.table(rows, View(), marked=None, now=NOW))
    assert "<small>Potassium 6.9 mmol/L</small>" in told
    untold = str(worklist.table(rows, View(), marked=frozenset(), now=NOW, told=False))
    assert "Potassium" not in untold
    assert '<span class="chip now"' in untold


def test_filter_by_reader_and_by_missing_input() -> None:
    rows = [row("A", assigned="mine"), row("B", assigned="other"), row("C")]
    assert ids(arrange(rows, View(assigned="mine"))) == "A"
    assert ids(arrange(rows, View(assigned=""))) == "C"
    assert ids(arrange(rows, View(search="OTHER"))) == "B"
    assert ids(arrange(rows, View(without="notes"))) == "ABC"
    assert ids(arrange(rows, View(without="image"))) == ""


def test_only_those_who_may_assign_see_boxes_to_mark() -> None:
    rows = [row("A"), row("B")]
    plain = str(worklist.table(rows, View(), marked=None, now=NOW))
    marking = str(worklist.table(rows, View(), marked=frozenset({"B"}), now=NOW))

    assert "data-mark" not in plain
    assert marking.count('aria-checked="true"') == 1
    assert "72 h ago" in marking or "3 d ago" in marking


def test_choosing_the_sorting_column_again_turns_it_round() -> None:
    once = View(page=4).sorted_by("case")
    assert (once.sort, once.descending, once.page) == ("case", False, 0)
    assert once.sorted_by("case").descending
    assert once.sorted_by("probability").descending


def test_neighbours_end_at_the_ends() -> None:
    ordered = arrange(ROWS, View(sort="time"))
    assert neighbour(ordered, "D", 1) == "A"
    assert neighbour(ordered, "B", -1) is None
    assert neighbour(ordered, "C", 1) is None
    assert neighbour(ordered, "Z", 1) is None


def test_next_unread_goes_round_once_and_never_to_itself() -> None:
    ordered = arrange(ROWS, View(sort="time"))
    assert next_unread(ordered) == "D"
    assert next_unread(ordered, "A") == "D"
    assert next_unread([row("A")], "A") is None
    assert next_unread([]) is None


def test_table_says_in_words_what_it_shows_in_marks() -> None:
    made = str(worklist.table(arrange(ROWS, View()), View(), marked=None, now=NOW))

    assert 'aria-sort="ascending"' in made
    assert 'data-pick="A"' in made
    assert "Out of distribution" in made
    assert "2 conflicts" in made
    assert "No suggestion shown" in made
    assert "notes missing" in made


def test_a_hostile_case_id_stays_text() -> None:
    made = str(worklist.table([row('"><img src=x>')], View(), marked=frozenset(), now=NOW))
    assert "<img" not in made


def test_ten_thousand_cases_are_arranged_quickly() -> None:
    many = [row(f"C{n:05d}", ("heart_failure", n % 97 / 97), day=n % 400) for n in range(10_000)]
    started = time.process_time()  # whatever else the machine does
    arrange(many, View(search="heart", sort="probability"))
    assert time.process_time() - started < 2
