"""What a column holds, and how its numbers and times are written."""

from __future__ import annotations

import pytest

from pipelines.checking.columns import kind_of
from pipelines.checking.raw_table import is_header

KINDS = [
    ("", "empty", ""),
    ("1 2 3", "numbers", "whole"),
    ("1.5 2 0.125", "numbers", "decimal point"),
    ("1,5 2 3.500", "numbers", "decimal comma"),
    ("1.234,5 2.345,6", "numbers", "decimal comma"),
    ("1,234.5 12", "numbers", "decimal point"),
    ("1.234.567 2", "numbers", "decimal comma"),
    ("3,500 1,250", "numbers", "either, comma"),
    ("1.5 2,5", "numbers", "both"),
    ("1.23457E+11 1.23458E+11", "numbers", "exponent"),
    ("<5 7.5 >1000", "numbers", "decimal point"),
    ("5 7 neg pos", "mixed", "whole"),
    ("2021-03-12 2021-03-13", "times", "ISO day"),
    ("2021-03-12T08:00 2021-03-12T09:00Z", "times", "ISO and ISO with zone"),
    ("13.03.2021 01.02.2021", "times", "day first"),
    ("03/13/2021 01/02/2021", "times", "month first"),
    ("01/02/2021 03/04/2021", "times", "day or month first"),
    ("08:30 23:59:59", "times", "time of day"),
    ("fever cough", "words", ""),
]


@pytest.mark.parametrize(("cells", "kind", "form"), KINDS)
def test_what_a_column_holds(cells: str, kind: str, form: str) -> None:
    assert kind_of(dict.fromkeys(cells.split(), 1)) == (kind, form)


@pytest.mark.parametrize(
    ("names", "header"),
    [
        (("case_id", "value", "unit"), True),
        (("id", "2021", "2022", "2023"), False),
        (("17", "2021-03-12", "5.4", "Jane Doe"), False),
        (("a" * 80, "b"), False),
        (("only",), False),
    ],
)
def test_a_first_row_of_data_is_no_header(names: tuple[str, ...], header: bool) -> None:
    assert is_header(names) is header
