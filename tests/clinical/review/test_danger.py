"""What is dangerous by the measurements alone, and how it is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clinical.case import case as cases
from clinical.case.case import Case
from clinical.case.shapes import Event, Events, Measurement, Measurements, Text, Texts
from clinical.review import danger
from clinical.review.danger import Alarm, Danger
from clinical.terms.loinc import lookup

NOON = datetime(2020, 5, 4, 12, tzinfo=UTC)


def value(code: str, number: float, hours: float = 1.0) -> Measurement:
    term = lookup(code)
    assert term is not None
    time = NOON - timedelta(hours=hours)
    return Measurement(term.code, term.name, number, term.unit, time, str(number), term.unit)


def patient(*values: Measurement, age: float | None = 70.0) -> Case:
    history = Events((Event("ICD-10:J44", "COPD"),), age_years=age, sex="female")
    told = Texts((Text("Complaint", "Weak since this morning."),))
    inputs = {"measurements": Measurements(values), "history": history, "notes": told}
    return Case("A", "P", NOON, inputs)


SYSTOLIC, LACTATE, SATURATION = value("8480-6", 78), value("32693-4", 5.8), value("59408-5", 84)
POTASSIUM, FEVER = value("2823-3", 6.9), value("8310-5", 39.4)
SHOCK = (SYSTOLIC, LACTATE, SATURATION, POTASSIUM, FEVER)


def test_the_patient_in_shock_comes_first_and_the_page_says_why() -> None:
    found = danger.of_case(patient(*SHOCK))

    assert found.alarm == "now"
    assert danger.critical_values(found) == (
        "Potassium 6.9 mmol/L, lactate (blood) 5.8 mmol/L, oxygen saturation (pulse oximetry) 84 %,"
        " systolic blood pressure 78 mmHg"
    )
    assert danger.score_words(found) == (
        "At least 8, from 3 of the 7 parts. Not recorded: respiratory rate, air or oxygen, pulse,"
        " consciousness. Points: oxygen saturation (pulse oximetry) 84 %: 3,"
        " systolic blood pressure 78 mmHg: 3, body temperature 39.4 °C: 2"
    )
    words = danger.short_words(found).replace("\N{NO-BREAK SPACE}", " ")
    assert words == "Potassium 6.9 mmol/L and 3 more, NEWS2 ≥ 8"


@pytest.mark.parametrize(
    ("values", "alarm"),
    [
        ((), None),
        ((value("8867-4", 70),), None),
        ((value("8867-4", 95), value("9279-1", 22)), None),
        ((value("8867-4", 112), value("9279-1", 22), value("8310-5", 38.5)), "soon"),
        ((value("9279-1", 26),), "soon"),
        ((value("9279-1", 26), value("8867-4", 112), value("8310-5", 39.5)), "now"),
        ((POTASSIUM,), "now"),
        ((value("2823-3", 6.9, hours=80),), None),
        ((SYSTOLIC,), "now"),
    ],
)
def test_how_urgent_it_is(values: tuple[Measurement, ...], alarm: Alarm | None) -> None:
    assert danger.of_case(patient(*values)).alarm == alarm


def test_a_child_is_judged_by_limits_of_its_age_and_has_no_news2() -> None:
    well = danger.of_case(patient(SYSTOLIC, value("8867-4", 138), age=2.0))
    assert well.alarm is None
    assert danger.score_words(well) == "Not scored: the chart is for people of 16 years and older"

    ill = danger.of_case(patient(value("8867-4", 151), age=2.0))
    assert ill.alarm == "now"
    assert ill.critical[0].source.startswith("NICE NG51")


def test_nothing_measured_is_nothing_said() -> None:
    found = danger.of_case(patient(age=2.0))
    assert (found, danger.score_words(found), danger.short_words(found)) == (Danger(), "", "")


@pytest.mark.parametrize("age", [1.0, 70.0, None])
def test_the_record_says_what_the_case_says(age: float | None) -> None:
    for values in (SHOCK, (value("33959-8", 3.0),), ()):
        case = patient(*values, age=age)
        assert danger.of_record(cases.as_json(case)) == danger.of_case(case)
