"""NEWS2: the chart of the Royal College of Physicians as a table, and what is not recorded."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clinical.case.shapes import Measurement
from clinical.terms import news2
from clinical.terms.loinc import lookup

SPEC = Path(__file__).parents[2] / "spec" / "news2.csv"
ROWS = list(csv.DictReader(SPEC.read_text(encoding="utf-8").splitlines()))
NOON = datetime(2020, 5, 4, 12, tzinfo=UTC)


def vital(code: str, value: float, *, hours: float | None = 1.0) -> Measurement:
    term = lookup(code)
    assert term is not None
    time = None if hours is None else NOON - timedelta(hours=hours)
    return Measurement(term.code, term.name, value, term.unit, time, f"{value}", term.unit)


SHOCK = (
    vital("9279-1", 28),
    vital("59408-5", 84),
    vital("8480-6", 78),
    vital("8867-4", 134),
    vital("8310-5", 39.4),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['part']} {row['value']}")
def test_the_chart(row: dict[str, str]) -> None:
    part = next(part for part in news2.chart() if part.part == row["part"])
    assert news2.points(part, float(row["value"])) == int(row["points"])


def test_every_value_has_points() -> None:
    for part in news2.chart():
        for tenth in range(5000 if part.code else 0):
            news2.points(part, tenth / 10)


def test_a_score_names_what_was_not_recorded() -> None:
    score = news2.score(SHOCK, NOON, 70)
    assert score is not None
    assert (score.points, score.recorded, len(score.parts)) == (14, 5, 7)
    assert [part.name for part in score.parts if part.points is None] == [
        "air or oxygen",
        "consciousness",
    ]
    assert score.red


@pytest.mark.parametrize(
    ("age", "there"), [(15.9, False), (16.0, True), (90.0, True), (None, True)]
)
def test_it_is_for_people_of_sixteen_years_and_older(age: float | None, there: bool) -> None:
    assert (news2.score(SHOCK, NOON, age) is not None) == there


def test_the_latest_value_within_a_day_counts() -> None:
    pulses = [
        vital("8867-4", 134, hours=5),
        vital("8867-4", 80, hours=2),
        vital("8867-4", 35, hours=None),
        vital("8867-4", 40, hours=30),
    ]
    score = news2.score(pulses, NOON, 50)
    assert score is not None
    assert score.points == 0
    assert news2.score([vital("8867-4", 40, hours=25)], NOON, 50) is None


def test_a_value_without_a_time_counts_where_none_has_one() -> None:
    score = news2.score([vital("8867-4", 35, hours=None)], NOON, 50)
    assert score is not None
    assert score.points == 3


def test_a_unit_that_is_not_understood_is_not_recorded() -> None:
    strange = Measurement("8867-4", "pulse", 40.0, "furlong", None, "40", "furlong")
    assert news2.score([strange], NOON, 50) is None
