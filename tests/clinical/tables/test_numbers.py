"""One column, one number format: the table of columns, and any column that decides itself."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clinical.tables import numbers
from clinical.tables.numbers import NumberFormat

SPEC = Path(__file__).parents[2] / "spec" / "numbers.csv"
ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["cells"])
def test_a_column_is_read_in_its_format(row: dict[str, str]) -> None:
    cells = row["cells"].split(" | ")
    form = numbers.decide(numbers.signs(cells))
    assert (str(form) if form else "") == row["format"]
    found = [numbers.canonical(cell, form)[0] or "?" for cell in cells]
    assert found == row["readings"].split(" | ")


def test_what_is_not_read_shows_both_readings_and_nothing_of_the_cell() -> None:
    number, reason = numbers.canonical("31.337", None)
    assert (number, "31" in reason) == ("", False)
    assert "1.500 would be 1.5 or 1500" in reason


def test_a_format_that_is_told_counts_whatever_the_cells_say() -> None:
    assert numbers.canonical("3.500", NumberFormat(".")) == ("3.500", "")
    assert numbers.canonical("3.500", NumberFormat(",", ".")) == ("3500", "")
    number, reason = numbers.canonical("3.5", NumberFormat(",", "."))
    assert (number, "decimal comma" in reason) == ("", True)


def test_another_column_of_the_file_decides_where_the_column_itself_does_not() -> None:
    unsure, sure = numbers.signs(["3.500"]), numbers.signs(["-0,5"])
    assert numbers.decide(unsure, sure) == NumberFormat(",", ".")
    contradictory = numbers.signs(["1,2", "8.5"])
    assert numbers.decide(contradictory, sure) is None


FORMATS = st.sampled_from(
    [NumberFormat(d, t) for d in ".," for t in (".", ",", "'", " ", "") if d != t]
)


def written(value: float, form: NumberFormat) -> str:
    whole, _, part = f"{value:,.2f}".partition(".")
    return whole.replace(",", form.thousands) + form.decimal + part


@given(FORMATS, st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_any_column_with_decimals_reads_back(form: NumberFormat, values: list[float]) -> None:
    cells = [written(value, form) for value in values]
    found = numbers.decide(numbers.signs(cells))
    assert found is not None
    for cell, value in zip(cells, values, strict=True):
        text, reason = numbers.canonical(cell, found)
        assert reason == ""
        assert float(text) == round(value, 2)


@given(FORMATS, st.text("0123456789.,' <-", max_size=9))
def test_what_is_read_without_a_format_is_the_same_in_every_format(
    form: NumberFormat, cell: str
) -> None:
    text, reason = numbers.canonical(cell, None)
    assume(not reason)
    found, refused = numbers.canonical(cell, form)
    assert refused or found == text
