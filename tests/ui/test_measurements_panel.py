"""The table of measurements: marks, order, units, and what could not be used."""

from __future__ import annotations

import pytest
from reading_fixture import DECISION, lab, make_assessment, make_case, measurements

from clinical.case import Measurement
from ui.pages.case import explanation_of
from ui.pages.measurements_panel import evidence_of, mark_of, measurement_table


@pytest.mark.parametrize(
    ("value", "reference", "mark"),
    [
        (5.2, (3.5, 5.1), "high"),
        (5.1, (3.5, 5.1), ""),
        (3.4, (3.5, 5.1), "low"),
        (7.0, (None, 5.0), "high"),
        (7.0, (None, None), ""),
        (20.0, (60.0, None), "low"),
    ],
)
def test_mark_follows_the_reference_range(
    value: float, reference: tuple[float | None, float | None], mark: str
) -> None:
    assert mark_of(lab("2823-3", "Potassium", value, "mmol/L", 1, reference)) == mark


def test_a_value_that_could_not_be_normalised_is_shown_raw_with_its_problem() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))

    assert "&gt;1000" in made
    assert "furlong" in made
    assert "Not used: the unit is not one of a catalytic activity." in made


def test_marks_are_words_and_arrows() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))

    assert "↑ high" in made
    assert "↓ low" in made
    assert "10⁹/L" in made


def test_repeats_stand_together_newest_first() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))

    assert made.index("16.8") < made.index(">9.1 ") < made.index("Haemoglobin")


def test_evidence_is_found_by_position_and_the_strongest_is_kept() -> None:
    case = make_case(1)
    explanation = explanation_of(make_assessment(case), "bacterial_pneumonia")
    found = evidence_of(explanation, "measurements")

    assert found[0].relevance == pytest.approx(0.14)
    assert 2 not in found
    assert evidence_of(None, "measurements") == {}


def test_a_value_with_no_time_has_no_age() -> None:
    item = Measurement("1988-5", "CRP", 4.0, "mg/L", None, "4", "mg/L")
    assert mark_of(item) == ""
