"""What the cell of a value says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.terms import cells


@pytest.mark.parametrize(
    ("raw", "number", "bound", "unit"),
    [
        ("5.9", 5.9, "", ""),
        ("-5", -5.0, "", ""),
        ("\u22125", -5.0, "", ""),  # a typographer's minus
        ("1,2", 1.2, "", ""),
        ("0,125", 0.125, "", ""),  # a zero before the comma never begins thousands
        ("<5", 5.0, "<", ""),
        ("< 0,5", 0.5, "<", ""),
        ("≤5", 5.0, "≤", ""),
        ("<=5", 5.0, "≤", ""),
        (">=90", 90.0, "≥", ""),
        ("> 1000", 1000.0, ">", ""),
        ("LESS THAN 10", 10.0, "<", ""),
        ("GREATER THAN 20 NG/ML", 20.0, ">", "NG/ML"),
        ("kleiner als 5", 5.0, "<", ""),
        ("5.9 H", 5.9, "", ""),
        ("5.9H", 5.9, "", ""),
        ("5.9 (L)", 5.9, "", ""),
        ("5.9*", 5.9, "", ""),
        ("*5.9", 5.9, "", ""),
        ("5.9 !", 5.9, "", ""),
        ("5.9 ↑", 5.9, "", ""),
        ("12 mg/l", 12.0, "", "mg/l"),
        ("12 mg/l H", 12.0, "", "mg/l"),
        ("1.5e3", 1500.0, "", ""),
    ],
)
def test_what_cannot_mean_anything_else_is_read(
    raw: str, number: float, bound: str, unit: str
) -> None:
    found = cells.read(raw)

    assert (found.number, found.bound, found.unit, found.problem) == (number, bound, unit, "")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "no value"),
        ("haemolysed", "haemolysed"),
        ("5.9 hemolyzed", "haemolysed"),
        ("hämolytisch", "haemolysed"),
        ("lipämisch", "lipaemic"),
        ("clotted", "clotted"),
        ("neg", "words or degrees"),
        ("NEGATIVE", "words or degrees"),
        ("1+", "words or degrees"),
        ("+++", "words or degrees"),
        ("5-10", "range"),
        ("0-2", "range"),
        ("120/80", "two values"),
        ("1:40", "titre"),
        ("pending", "not there yet"),
        ("NotDone", "not measured"),
        ("1'200", "thousands"),
        ("1 200", "thousands"),
        ("1,234", "thousands"),
        ("1.234.567", "thousands"),
        ("inf", "beyond the assay"),
        ("<", "not a number"),
        ("<LOD", "not a number"),
        ("see comment", "not a number"),
    ],
)
def test_everything_else_is_refused_by_name(raw: str, why: str) -> None:
    found = cells.read(raw)

    assert found.number is None
    assert why in found.problem


@pytest.mark.parametrize(
    ("raw", "step"), [("5", 1.0), ("5.9", 0.1), ("0,50", 0.01), ("1.5e3", 100.0), ("<0.3", 0.1)]
)
def test_the_last_written_place_says_how_exact_a_value_is(raw: str, step: float) -> None:
    assert cells.read(raw).step == pytest.approx(step)


@given(st.text())
def test_no_text_raises_and_each_is_a_number_or_a_problem(raw: str) -> None:
    found = cells.read(raw)

    assert (found.number is None) == bool(found.problem)
    assert found.number is not None or not found.bound
