"""Urine is not blood: specimens in cells, names and codes."""

from __future__ import annotations

import pytest

from clinical.terms import loinc, normalise, specimens


@pytest.mark.parametrize(
    ("cell", "specimen"),
    [
        ("Blood", "blood"),
        ("BLOOD", "blood"),
        ("Serum/Plasma", "blood"),
        ("119364003", "blood"),
        ("Vollblut", "whole blood"),
        ("ART", "arterial blood"),
        ("zentralvenös", "venous blood"),
        ("Urine", "urine"),
        ("orina", "urine"),
        ("122575003", "urine"),
        ("Cerebrospinal Fluid (CSF)", "cerebrospinal fluid"),
        ("Liquor", "cerebrospinal fluid"),
        ("Ascites", "ascites"),
        ("", ""),
        ("marble", None),
    ],
)
def test_a_cell_names_a_specimen(cell: str, specimen: str | None) -> None:
    assert specimens.read(cell) == specimen


@pytest.mark.parametrize(
    ("name", "rest", "specimen"),
    [
        ("Sodium, Urine", "Sodium", "urine"),
        ("Urine Sodium", "Sodium", "urine"),
        ("Kreatinin im Urin", "Kreatinin", "urine"),
        ("Creatinina en orina", "Creatinina", "urine"),
        ("Urinkreatinin", "kreatinin", "urine"),
        ("U-Na", "Na", "urine"),
        ("S-Na", "Na", "blood"),
        ("Creatinine [Urine]", "Creatinine", "urine"),
        ("Creatinine [Mass/volume] in Urine", "Creatinine", "urine"),
        ("Glucose, CSF", "Glucose", "cerebrospinal fluid"),
        ("Red Blood Cell (RBC) Count, Blood", "Red Blood Cell (RBC) Count", "blood"),
        ("arterial lactate", "arterial lactate", ""),  # a name of its own
        ("Harnstoff", "Harnstoff", ""),  # not a value of Harn
        ("P-Amylase", "P-Amylase", ""),  # of the pancreas to some and of plasma to others
        ("uric acid", "uric acid", ""),
    ],
)
def test_a_name_may_hold_its_specimen(name: str, rest: str, specimen: str) -> None:
    found = specimens.within(name)

    assert (found.name, found.specimen) == (rest, specimen)


def test_codes_of_other_specimens_belong_to_no_term() -> None:
    known = {code for term in loinc.terms() for code in (term.code, *term.equivalents)}

    for name, specimen in specimens.other_specimens().values():
        assert name
        assert specimens.read(specimen) == specimen
        assert specimen not in specimens.BLOODS
    assert not known & specimens.other_specimens().keys()


@pytest.mark.parametrize("term", loinc.terms(), ids=lambda t: t.code)
def test_no_term_takes_a_value_of_urine(term: loinc.Term) -> None:
    middle = f"{sum(term.plausible) / 2:g}"

    found = normalise.measurement(term.code, middle, term.unit, specimen="urine")

    assert found.value is None
    assert found.code == f"urine:{term.code}"
    assert "urine" in found.problem


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [("Leukozyten", "25", "/µl"), ("Kreatinin", "45", "mg/dl"), ("pH", "6.5", "")],
)
def test_values_hardly_ever_of_blood_are_used_only_if_somebody_says_blood(
    name: str, value: str, unit: str
) -> None:
    alone = normalise.measurement(name, value, unit)
    of_blood = normalise.measurement(name, value, unit, specimen="blood")
    term = loinc.lookup(name)
    assert term is not None
    by_code = normalise.measurement(term.code, value, unit)

    assert alone.value is None
    assert "may be of urine" in alone.problem
    assert of_blood.value is not None
    assert by_code.value == of_blood.value  # LOINC says the specimen


def test_a_blood_value_of_an_ordinary_size_is_used_without_a_specimen() -> None:
    """What lies within the values of blood cannot be known, and counts as what its name says."""
    assert normalise.measurement("Natrium", "140", "mmol/l").value == 140
    assert normalise.measurement("WBC", "0.05", "K/uL").value == 0.05  # no urine is counted so
