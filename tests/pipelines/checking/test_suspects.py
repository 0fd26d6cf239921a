"""Which medians are suspected of another unit, and which are only those of the ill."""

from __future__ import annotations

import pytest

from clinical.terms.loinc import lookup
from pipelines.checking import suspects

SUSPECTED = [
    # what        stated    values                          factor  would be
    ("creatinine", "umol/L", (0.8, 0.9, 1.0, 1.1, 3.0), 1 / 88.4, "mg/dL"),
    ("creatinine", "mg/dL", (70, 80, 90, 100, 110), 88.4, "umol/L"),
    ("glucose", "mg/dL", (4.8, 5.1, 5.5, 6.0, 9.9), 1 / 18.0, "mmol/L"),
    ("glucose", "mmol/L", (85, 92, 100, 120, 180), 18.0, "mg/dL"),
    ("haemoglobin", "g/dL", (118, 125, 131, 140, 152), 10, "g/L"),
    ("body temperature", "Cel", (97.9, 98.2, 98.6, 99.1, 101), None, "[degF]"),
    ("haematocrit", "%", (0.32, 0.38, 0.4, 0.41, 0.45), 0.01, "1"),
    ("sodium", "mmol/L", (13.5, 13.8, 14.0, 14.1, 14.4), 0.1, ""),
]

LET_BE = [
    ("CRP", "mg/L", (80, 120, 150, 210, 300)),
    ("haemoglobin", "g/dL", (6.9, 7.4, 7.9, 8.2, 9.0)),
    ("creatinine", "mg/dL", (3.2, 4.1, 5.0, 6.8, 9.9)),
    ("body temperature", "Cel", (35.1, 36.0, 36.8, 38.9, 40.2)),
    ("base excess", "mmol/L", (-14, -5, -1.6, 2, 10)),
    ("ESR", "mm/h", (60, 70, 79, 90, 110)),
    ("glucose", "mg/dL", (4.8, 5.1, 5.5, 6.0)),  # too few to judge
]


@pytest.mark.parametrize(("name", "stated", "values", "factor", "would_be"), SUSPECTED)
def test_a_median_that_another_unit_explains_is_suspected(
    name: str, stated: str, values: tuple[float, ...], factor: float | None, would_be: str
) -> None:
    term = lookup(name)
    assert term is not None
    (found,) = suspects.of(term, stated, values, ())
    assert (found.count, found.would_be) == (5, would_be)
    assert factor is None or found.factor == pytest.approx(factor, rel=0.01)
    assert f"5 values written in {stated}" in str(found)


@pytest.mark.parametrize(("name", "stated", "values"), LET_BE)
def test_the_values_of_the_ill_are_let_be(
    name: str, stated: str, values: tuple[float, ...]
) -> None:
    term = lookup(name)
    assert term is not None
    assert list(suspects.of(term, stated, values, ())) == []


def test_some_values_in_another_unit_are_seen_among_those_that_are_refused() -> None:
    term = lookup("creatinine")
    assert term is not None
    in_umol = (70.0, 80.0, 90.0, 100.0, 110.0)
    (found,) = suspects.of(term, "mg/dL", (0.8, 0.9, 1.0, 1.0, 1.1, 1.3, *in_umol), in_umol)
    assert (found.part, found.count, found.would_be) == (True, 5, "umol/L")
    assert str(found).startswith("5 values that are refused")


def test_without_a_unit_the_only_usual_one_is_named() -> None:
    term = lookup("glucose")
    assert term is not None
    (found,) = suspects.of(term, "", (85, 92, 100, 120, 180), ())
    assert str(found) == "5 values without a unit would be usual in mg/dL"
