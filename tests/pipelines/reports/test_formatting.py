"""Figures as a reader sees them."""

from __future__ import annotations

from study_metrics import NOTHING, about

from pipelines.reports.formatting import counted, interval, number, p_value, signed


def test_an_estimate_stands_with_its_interval() -> None:
    assert interval(about(0.8)) == "0.800 [0.770, 0.830]"
    assert interval(about(56.04, 5), 1) == "56.0 [51.0, 61.0]"
    assert signed(about(0.02)) == "+0.020 [-0.010, +0.050]"


def test_what_is_not_defined_says_so() -> None:
    assert interval(NOTHING) == signed(NOTHING) == "not defined"
    assert interval({**about(0.8), "low": None, "high": None}) == "0.800"
    assert number(None) == p_value(None) == "-"


def test_small_p_values_are_not_zero() -> None:
    assert p_value(0.0001) == "< 0.001"
    assert p_value(0.0312) == "0.031"


def test_one_is_not_in_the_plural() -> None:
    assert counted(1, "repeat") == "1 repeat"
    assert counted(1200, "case") == "1,200 cases"
