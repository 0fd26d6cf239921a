"""Measured values as a laboratory report writes them."""

from __future__ import annotations

import itertools

import pytest

from clinical.case.shapes import Measurement
from clinical.terms import shown
from clinical.terms.loinc import lookup, terms


@pytest.mark.parametrize(
    ("value", "unit", "code", "text"),
    [
        (1.3217, "mg/dL", "2160-0", "1.32"),
        (1.0, "mg/dL", "2160-0", "1.00"),
        (7.4, "[pH]", "2744-1", "7.40"),
        (6.9, "mmol/L", "2823-3", "6.9"),
        (4.0, "mmol/L", "2823-3", "4.0"),
        (138.4, "mmol/L", "2951-2", "138"),
        (0.6, "mg/L", "1988-5", "0.6"),  # as 1 it would be another value
        (0.0, "mmol/L", "1925-7", "0.0"),
        (-3.25, "mmol/L", "1925-7", "−3.2"),
        (117.0, "umol/L", "2160-0", "117"),  # not in the unit of the term
        (12.345678, "furlong", "local:made-up", "12.346"),
    ],
)
def test_decimals(value: float, unit: str, code: str, text: str) -> None:
    assert shown.shown(value, unit, code) == text


@pytest.mark.parametrize(
    ("reference", "code", "text"),
    [
        ((3.5, 5.1), "2823-3", "3.5–5.1"),
        ((None, 5.0), "1988-5", "≤ 5"),
        ((60.0, None), "8480-6", "≥ 60"),
        ((None, None), "2823-3", ""),
        ((None, 900.0), "33762-6", "cut-off 900"),
    ],
)
def test_a_reference_range(
    reference: tuple[float | None, float | None], code: str, text: str
) -> None:
    term = lookup(code)
    assert term is not None
    assert shown.limits(reference, term.unit, code) == text


def test_a_value_with_its_name() -> None:
    def said(code: str, value: float | None, unit: str) -> str:
        return shown.spoken(Measurement(code, "Made", value, unit, None, "1", unit))

    assert said("8480-6", 78.0, "mm[Hg]") == "Made 78 mmHg"
    assert said("2744-1", 7.41, "[pH]") == "Made 7.41"
    assert said("2744-1", None, "") == "Made"


def test_every_term_has_a_row_and_every_row_a_term() -> None:
    assert set(shown.groups()) == {term.code for term in terms()}
    for code in {*shown.decimals(), *shown.cut_offs()}:
        term = lookup(code)
        assert term is not None
        assert term.code == code


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("8480-6", "vital signs"),
        ("2744-1", "blood gas"),
        ("6690-2", "blood count"),
        ("2823-3", "chemistry"),
        ("1742-6", "liver"),
        ("48065-7", "coagulation"),
        ("33762-6", "heart"),
        ("1988-5", "inflammation"),
        ("local:made-up", "other"),
    ],
)
def test_a_measurement_is_read_with_its_group(code: str, group: str) -> None:
    assert shown.place(code)[0] == group


def test_groups_stand_together_in_reading_order() -> None:
    order = list(shown.groups().values())
    assert [name for name, _ in itertools.groupby(order)] == list(dict.fromkeys(order))
    assert shown.place("8480-6")[1] < shown.place("2951-2")[1] < shown.place("local:made-up")[1]
