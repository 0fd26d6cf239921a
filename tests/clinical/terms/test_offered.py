"""What is offered while somebody types a measurement."""

from __future__ import annotations

from clinical.terms import offered


def test_a_measurement_is_found_by_name_alias_and_code() -> None:
    words = offered.measurements()["1988-5"]
    assert words.startswith("C-reactive protein · 1988-5 · ")
    assert "CRP" in words


def test_units_say_how_they_convert() -> None:
    found = offered.units("Creatinine")
    assert next(iter(found.values())) == "mg/dL"
    assert found["umol/L"].startswith("umol/L (× 0.0113")
    assert found["umol/L"].endswith("= mg/dL)")
    assert offered.units("no such thing") == {}


def test_degrees_say_what_is_added() -> None:
    assert "− 17.778 = Cel" in offered.units("8310-5")["[degF]"]


def test_a_name_says_what_it_is_taken_for() -> None:
    assert offered.meant("crp") == "C-reactive protein (1988-5), kept in mg/L"
    assert offered.meant("neutrophils").startswith("One of Neutrophils (absolute), ")
    assert "not used. Is Créatinine meant?" in offered.meant("creatinnine")
    assert offered.meant("phase of the moon").endswith("kept and not used")
