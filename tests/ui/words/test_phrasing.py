"""Numbers, times and codes in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from clinical.wording import inside_a_sentence
from ui.words import phrasing


@pytest.mark.parametrize(
    ("probability", "number", "words"),
    [
        (0.0, "0%", "very unlikely"),
        (0.001, "<1%", "very unlikely"),
        (0.07, "7%", "unlikely"),
        (0.2, "20%", "possible"),
        (0.5, "50%", "about even"),
        (0.81, "81%", "likely"),
        (0.95, "95%", "very likely"),
        (0.9999, ">99%", "very likely"),
        (1.0, "100%", "very likely"),
    ],
)
def test_probability(probability: float, number: str, words: str) -> None:
    assert phrasing.percent(probability) == number
    assert phrasing.probability_words(probability) == words


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(minutes=18), "18 min"),
        (timedelta(minutes=89), "89 min"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=12), "12 d"),
        (timedelta(days=300), "10 mo"),
        (timedelta(days=3 * 365.25), "3 y"),
    ],
)
def test_duration(length: timedelta, words: str) -> None:
    assert phrasing.duration(length) == words


def test_age_is_empty_where_it_cannot_be_known() -> None:
    zoned = datetime(2030, 1, 1, tzinfo=UTC)
    bare = zoned.replace(tzinfo=None)

    assert phrasing.before(None, zoned) == ""
    assert phrasing.before(bare, zoned) == ""
    assert phrasing.before(bare - timedelta(hours=2), bare) == "2 h"


@pytest.mark.parametrize(
    ("ucum", "shown"),
    [
        ("10*9/L", "10⁹/L"),
        ("mm[Hg]", "mmHg"),
        ("umol/L", "µmol/L"),
        ("Cel", "°C"),
        ("U/L", "U/L"),
        ("{INR}", "INR"),
        ("ng/mL{FEU}", "ng/mL FEU"),
    ],
)
def test_unit(ucum: str, shown: str) -> None:
    assert phrasing.unit(ucum) == shown


def test_signs() -> None:
    assert phrasing.points(-0.002) == "±0 points"
    assert phrasing.points(-0.15) == "−15 points"
    assert phrasing.points(-0.01) == "−1 point"
    assert phrasing.effect(0.14) == "+14%"
    assert phrasing.effect(-0.001) == "0%"


def test_words_inside_a_sentence() -> None:
    assert inside_a_sentence("Deep vein thrombosis") == "deep vein thrombosis"
    assert inside_a_sentence("COPD") == "COPD"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (None, "2024-05-04 12:30"),
        (UTC, "2024-05-04 12:30 UTC"),
        (timezone(timedelta(hours=2)), "2024-05-04 12:30 UTC+2"),
        (timezone(-timedelta(hours=3, minutes=30)), "2024-05-04 12:30 UTC−3:30"),
    ],
)
def test_a_time_says_its_zone(zone: timezone | None, shown: str) -> None:
    assert phrasing.moment(datetime(2024, 5, 4, 12, 30, tzinfo=zone)) == shown
