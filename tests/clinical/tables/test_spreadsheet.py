"""What leaves as CSV is run by no spreadsheet, and there is one place that writes it."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest

from clinical.tables import spreadsheet

ROOT = Path(__file__).parents[3]
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "\0=1", "=HYPERLINK(1)")

WRITERS = {"writer", "DictWriter", "to_csv", "write_csv"}
ALLOWED = {
    "clinical/tables/spreadsheet.py",
    # The laboratory writes cohorts that the program reads back, of words and numbers of its own.
    "pipelines/laboratory/simulate/cohort.py",
    "pipelines/laboratory/oracle/posterior_table.py",
    # A case that is entered is written as a cohort for our own reader, and to nobody else's hands.
    "clinical/cohorts/entered.py",
    "ui/panels/entry_labs.py",
}


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(text: str) -> None:
    assert spreadsheet.safe(text) == f"'{text}"


def test_numbers_and_plain_text_stay() -> None:
    cells = [-1.5, 3, None, "a=b", "", "3-4"]
    assert [spreadsheet.safe(cell) for cell in cells] == cells
    assert spreadsheet.safe(cell=True) == "true"


def test_a_table_opens_as_utf_8() -> None:
    made = b"".join(spreadsheet.written(("name", "value"), [("=1", 2), ('肺炎, "x"', None)]))
    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(made.decode("utf-8-sig"))))
    assert rows == [["name", "value"], ["'=1", "2"], ['肺炎, "x"', ""]]


def writes_csv(code: str) -> bool:
    """Whether a module calls a writer of CSV by any of its usual names."""
    return any(
        isinstance(node, ast.Attribute) and node.attr in WRITERS
        for node in ast.walk(ast.parse(code))
    )


def test_nobody_else_writes_csv() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for package in ("clinical", "pipelines", "ui")
        for path in (ROOT / package).rglob("*.py")
        if writes_csv(path.read_text(encoding="utf-8"))
    }
    assert found == ALLOWED
    assert writes_csv("frame.to_csv(path)")
