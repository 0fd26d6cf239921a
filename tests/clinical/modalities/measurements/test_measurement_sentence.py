"""A measured value as a sentence names it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clinical.case.assessment import EvidenceItem
from clinical.case.sentences import Value
from clinical.case.shapes import Bound, Measurement, Measurements
from clinical.modalities.kit import Telling
from clinical.modalities.measurements.sentence import named

NOW = datetime(2031, 3, 4, 9, 40, tzinfo=UTC)
ADULT = Telling(40.0)
Range = tuple[float | None, float | None]


def value(
    code: str,
    name: str,
    number: float,
    unit: str,
    limits: Range = (None, None),
    hours: float = 0,
    bound: Bound = "",
) -> Measurement:
    time = NOW - timedelta(hours=hours)
    return Measurement(code, name, number, unit, time, "", "", limits, bound=bound)


def told(*items: Measurement, index: int = 0, telling: Telling = ADULT) -> str:
    item = EvidenceItem("measurements", index, items[index].code, 0.1, change=0.1)
    found = named("measurements", Measurements(items), item, telling)
    return f"{found.words}: {', '.join(found.facts)}"


POTASSIUM = value("2823-3", "Potassium", 6.9, "mmol/L", (3.5, 5.3))


@pytest.mark.parametrize(
    ("words", "item"),
    [
        ("potassium 6.9 mmol/L: critically high", POTASSIUM),
        (
            "high-sensitivity troponin T 9 ng/L: within range",
            value("67151-1", "Troponin T (high sensitivity)", 9, "ng/L", (None, 14)),
        ),
        (
            "NT-proBNP 4563 pg/mL: above the cut-off of 900",
            value("33762-6", "NT-proBNP", 4563, "pg/mL", (None, 900)),
        ),
        (
            "D-dimer 860 ng/mL FEU: high",
            value("48065-7", "D-dimer (FEU)", 860, "ng/mL{FEU}", (None, 500)),
        ),
        (
            "oxygen saturation by pulse oximetry 95%: low",
            value("59408-5", "Oxygen saturation (pulse oximetry)", 95, "%", (96, 100)),
        ),
        ("heart rate 82/min: within range", value("8867-4", "Heart rate", 82, "/min", (51, 90))),
        ("arterial pH 7.31: ", value("2744-1", "pH (arterial blood)", 7.31, "[pH]")),
        ("total bilirubin 0.9 mg/dL: ", value("1975-2", "Bilirubin total", 0.9, "mg/dL")),
        ("Glasgow Coma Scale 14: ", value("9269-2", "Glasgow Coma Scale total", 14, "{score}")),
        (
            "procalcitonin < 0.05 ng/mL: ",
            value("33959-8", "Procalcitonin", 0.05, "ng/mL", (None, 0.05), bound="<"),
        ),
        ("house test 3 widgets: ", value("mine:1", "House test", 3, "widgets")),
    ],
)
def test_name_value_unit_and_mark(words: str, item: Measurement) -> None:
    assert told(item) == words


def sodium(number: float, hours: float) -> Measurement:
    return value("2951-2", "Sodium", number, "mmol/L", (135, 145), hours)


def temperature(number: float, hours: float) -> Measurement:
    return value("8310-5", "Body temperature", number, "Cel", (36.1, 38.0), hours)


@pytest.mark.parametrize(
    ("facts", "now", "before"),
    [
        ("high, up from 144 in 12 h", sodium(147, 0), sodium(144, 12)),  # left its range
        ("within range", sodium(140, 0), sodium(144, 12)),  # a change that says nothing
        ("high, up from 38.1 in 40 min", temperature(39.0, 0), temperature(38.1, 2 / 3)),
        ("high", temperature(38.5, 0), temperature(38.3, 2 / 3)),
    ],
)
def test_a_change_is_told_where_it_matters(
    facts: str, now: Measurement, before: Measurement
) -> None:
    assert told(before, now).partition(": ")[2] == facts
    assert told(before, now, index=1).partition(": ")[2] == facts


def test_the_source_is_the_newest_value_with_the_one_before() -> None:
    items = Measurements((sodium(144, 12), sodium(147, 0)))
    item = EvidenceItem("measurements", 0, "2951-2", 0.1, change=0.1)
    found = named("measurements", items, item, ADULT).source
    assert found == Value("measurements", 1, "2951-2", 147, "mmol/L", 144, "high")


def test_a_name_that_a_source_made_up_stays_where_it_must_not_leave() -> None:
    house = value("mine:1", "Mrs. Miller's test", 3, "mg")
    assert told(house, telling=Telling(40.0, quoted=False)) == "another measurement 3 mg: "
    assert told(POTASSIUM, telling=Telling(40.0, quoted=False)).startswith("potassium")
