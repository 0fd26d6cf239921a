"""The table of measurements: marks, order, units, and what could not be used."""

from __future__ import annotations

import re

import pytest
from reading_fixture import DECISION, lab, make_assessment, make_case, measurements

from clinical.case.assessment import EvidenceItem, Explanation
from clinical.case.shapes import Measurement, Measurements
from clinical.modalities.measurements.words import marked
from clinical.terms import normalise
from ui.pages.case import explanation_of
from ui.panels.measurements_panel import evidence_of, measurement_table

CRP = lab("1988-5", "C-reactive protein", 187, "mg/L", 1.2, (None, 5))


@pytest.mark.parametrize(
    ("value", "reference", "mark"),
    [
        (5.2, (3.5, 5.1), "high"),
        (5.1, (3.5, 5.1), ""),
        (3.4, (3.5, 5.1), "low"),
        (6.5, (3.5, 5.1), "critical high"),
        (2.5, (3.5, 5.1), "critical low"),
        (5.5, (None, 5.0), "high"),
        (5.5, (None, None), ""),
        (3.0, (3.2, None), "low"),
    ],
)
def test_mark_follows_the_reference_range(
    value: float, reference: tuple[float | None, float | None], mark: str
) -> None:
    assert marked(lab("2823-3", "Potassium", value, "mmol/L", 1, reference), None) == mark


def test_a_value_that_could_not_be_normalised_is_shown_raw_with_its_problem() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))

    assert "&gt;1000" in made
    assert "furlong" in made
    assert "Not used: the unit is not one of a catalytic activity." in made


def test_marks_are_letters_and_words_for_a_screen_reader() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))

    assert 'title="high">H<span class="unseen"> high' in made
    assert 'title="low">L<' in made
    assert 'title="critical low">LL<' in made  # 89% oxygen saturation
    assert "10⁹/L" in made


def test_a_bound_stands_with_its_sign_and_tells_what_the_source_wrote() -> None:
    item = normalise.measurement("CRP", "< 0,5", "mg/dl", time=DECISION)
    made = str(measurement_table("measurements", Measurements((item,)), DECISION, None))

    assert ">&lt; 5</td>" in made
    assert 'title="&lt; 0,5 mg/dl"' in made


def test_the_value_before_stands_beside_the_newest_and_all_are_in_a_list() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))

    assert made.count(">Leukocytes<") == 1
    row = made.split(">Leukocytes<")[1].split("</tr>")[0]
    assert '<td class="value">16.8<em' in row
    assert "9.1<small>(3 d)</small>" in row
    assert made.count("data:image/svg+xml") == 1
    listed = row.split('<ul class="all">')[1]
    assert listed.index("2031-03-04 08:28 UTC") < listed.index("2031-03-01 07:40 UTC")
    assert listed.count("<li>") == 2
    assert 'aria-label="Leukocytes, 2 values, newest first"' in row


def test_without_earlier_values_there_is_no_column_for_them() -> None:
    made = str(measurement_table("measurements", Measurements((CRP,)), DECISION, None))
    assert ">Earlier<" not in made


def test_vital_signs_stand_first_then_the_groups() -> None:
    unknown = lab("local:made-up", "Made up", 3, "furlong", 1, (None, None))
    items = (*measurements().items, unknown)
    made = str(measurement_table("measurements", Measurements(items), DECISION, None))
    groups = re.findall(r'scope="rowgroup">([^<]+)<', made)
    assert groups == [
        "Vital signs",
        "Blood gas",
        "Blood count",
        "Chemistry",
        "Coagulation",
        "Heart",
        "Inflammation",
        "Other",
    ]
    assert made.index(">Systolic pressure<") < made.index(">Heart rate<")


def test_in_a_group_the_newest_stands_first() -> None:
    old = lab("2951-2", "Sodium", 133, "mmol/L", 30, (135, 145))
    new = lab("2160-0", "Creatinine", 1.3, "mg/dL", 2, (0.6, 1.2))
    made = str(measurement_table("measurements", Measurements((old, new)), DECISION, None))
    assert made.index(">Creatinine<") < made.index(">Sodium<")


def test_what_is_outside_its_range_is_marked_for_the_switch() -> None:
    made = str(measurement_table("measurements", measurements(), DECISION, None))
    rows = {row.split('class="name">')[-1].split("<")[0]: row for row in made.split("<tr")}
    assert 'class="high outside"' in rows["C-reactive protein"]
    assert "outside" not in rows["Platelets"]
    assert 'class="outside unused"' in rows["LDH"]


def test_what_repeats_did_adds_up() -> None:
    items = tuple(
        EvidenceItem("measurements", index, "6690-2", share)
        for index, share in ((2, 0.2), (3, 0.1))
    )
    explanation = Explanation("sepsis", "made", {"measurements": 1.0}, (), items)
    made = str(measurement_table("measurements", measurements(), DECISION, explanation))
    assert "+30%" in made


def test_before_the_machine_speaks_nothing_stands_where_its_share_will() -> None:
    explanation = Explanation("sepsis", "made", {"measurements": 1.0}, (), ())
    with_it = str(measurement_table("measurements", measurements(), DECISION, explanation))
    without = str(measurement_table("measurements", measurements(), DECISION, None))
    assert ">Evidence<" in with_it
    assert ">Evidence<" not in without


def test_evidence_is_found_by_position_and_the_strongest_is_kept() -> None:
    case = make_case(1)
    explanation = explanation_of(make_assessment(case), "bacterial_pneumonia")
    found = evidence_of(explanation, "measurements")

    assert found[0].relevance == pytest.approx(0.14)
    assert 2 not in found
    assert evidence_of(None, "measurements") == {}


def test_a_value_with_no_time_has_no_age() -> None:
    item = Measurement("1988-5", "CRP", 4.0, "mg/L", None, "4", "mg/L")
    assert marked(item, None) == ""
