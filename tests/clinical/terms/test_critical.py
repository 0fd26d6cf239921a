"""Critical values: published limits by age, in whatever unit the value comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from clinical.case.shapes import Measurement
from clinical.terms.critical import Side, critical, critical_now, rows
from clinical.terms.loinc import lookup, terms


def measured(code: str, value: float | None, unit: str) -> Measurement:
    return Measurement(code, "made", value, unit, None, "", unit)


@pytest.mark.parametrize(
    ("code", "value", "unit", "side"),
    [
        ("2823-3", 6.5, "mmol/L", "high"),
        ("2823-3", 6.4, "mmol/L", None),
        ("2823-3", 2.5, "mmol/L", "low"),
        ("2160-0", 400.0, "umol/L", "high"),
        ("2160-0", 300.0, "umol/L", None),
        ("59408-5", 89.0, "%", "low"),
        ("59408-5", 91.0, "%", None),
        ("8310-5", 39.4, "Cel", None),
        ("33959-8", 100.0, "ng/mL", None),
        ("6298-4", 6.9, "mmol/L", "high"),
        ("2947-0", 119.0, "mmol/L", "low"),
        ("2339-0", 2.4, "mmol/L", "low"),
        ("3094-0", 90.0, "mg/dL", "high"),
        ("3094-0", 80.0, "mg/dL", None),
        ("2744-1", 7.19, "[pH]", "low"),
        ("2744-1", 7.2, "[pH]", None),
        ("2746-6", 7.16, "[pH]", None),
        ("2708-6", 84.0, "%", "low"),
        ("2823-3", None, "", None),
        ("local:made-up", 1.0, "mmol/L", None),
        ("2823-3", 9.0, "furlong", None),
    ],
)
def test_critical(code: str, value: float | None, unit: str, side: Side | None) -> None:
    assert critical(measured(code, value, unit)) == side


@pytest.mark.parametrize(
    ("code", "value", "unit", "age", "side"),
    [
        ("8867-4", 150.0, "/min", 1.0, "high"),
        ("8867-4", 150.0, "/min", 0.5, None),
        ("8867-4", 131.0, "/min", 2.0, None),
        ("8867-4", 141.0, "/min", 17.0, "high"),
        ("8867-4", 131.0, "/min", 17.0, None),
        ("9279-1", 26.0, "/min", 2.0, None),
        ("9279-1", 26.0, "/min", 9.0, "high"),
        ("8480-6", 78.0, "mm[Hg]", 2.0, None),
        ("8480-6", 71.0, "mm[Hg]", 1.5, "low"),
        ("8480-6", 90.0, "mm[Hg]", 11.0, None),
        ("59408-5", 90.0, "%", 3.0, None),
        ("59408-5", 89.9, "%", 3.0, "low"),
        ("8310-5", 38.2, "Cel", 0.1, "high"),
        ("8310-5", 39.5, "Cel", 4.0, None),
        ("2951-2", 128.0, "mmol/L", 10.0, "low"),
        ("2951-2", 128.0, "mmol/L", 40.0, None),
        ("2160-0", 210.0, "umol/L", 8.0, "high"),
        ("2345-7", 16.0, "mmol/L", 15.9, "high"),
        ("2345-7", 16.0, "mmol/L", 16.0, None),
        ("2823-3", 7.0, "mmol/L", 0.01, None),
        ("2524-7", 4.0, "mmol/L", 5.0, None),
        ("2524-7", 4.1, "mmol/L", 5.0, "high"),
    ],
)
def test_limits_by_age(code: str, value: float, unit: str, age: float, side: Side | None) -> None:
    assert critical(measured(code, value, unit), age) == side


def test_every_limit_is_of_a_known_term_and_a_plausible_value() -> None:
    for code, listed in rows().items():
        term = lookup(code)
        assert term is not None
        assert term.code == code
        for row in listed:
            assert row.source
            assert row.hours > 0
            assert row.ages[0] < row.ages[1]
            for limit in (row.low, row.high):
                assert limit is None or term.plausible[0] < limit.value < term.plausible[1]


def test_no_age_has_two_limits_of_one_term() -> None:
    for listed in rows().values():
        bands = sorted(row.ages for row in listed)
        assert all(before[1] <= after[0] for before, after in pairwise(bands))


def test_what_stands_at_the_decision_is_the_latest_value_of_each_term() -> None:
    noon = datetime(2020, 5, 4, 12, tzinfo=UTC)

    def taken(code: str, value: float, unit: str, hours: float) -> Measurement:
        return replace(measured(code, value, unit), time=noon - timedelta(hours=hours))

    values = [
        taken("2823-3", 6.9, "mmol/L", 3),
        taken("2823-3", 5.0, "mmol/L", 9),
        taken("2951-2", 118, "mmol/L", 9),
        taken("2951-2", 133, "mmol/L", 3),
        taken("2524-7", 5.8, "mmol/L", 80),
        taken("59408-5", 84, "%", 1),
    ]
    found = critical_now(values, noon, 60)
    assert [(one.measured.value, one.side) for one in found] == [(6.9, "high"), (84, "low")]


@pytest.mark.parametrize(
    ("code", "same"),
    [("2823-3", "6298-4"), ("2951-2", "2947-0"), ("2345-7", "2339-0"), ("59408-5", "2708-6")],
)
def test_what_a_blood_gas_analyser_measures_has_the_limits_of_the_laboratory(
    code: str, same: str
) -> None:
    assert rows()[same] == rows()[code]


def test_no_whole_blood_value_is_without_the_limits_of_its_serum_value() -> None:
    by_name = {term.name: term.code for term in terms()}
    limited = {
        (by_name[name.removesuffix(" (whole blood)")], code)
        for name, code in by_name.items()
        if name.endswith(" (whole blood)")
    }
    assert limited
    for serum, whole in limited:
        assert (serum in rows()) == (whole in rows())
