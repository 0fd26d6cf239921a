"""Figures of `metrics.json` as readers see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNDEFINED = "not defined"


def interval(found: Mapping[str, Any], digits: int = 3) -> str:
    """An estimate with its 95% interval, or that it is not defined."""
    return _with_limits(found, f".{digits}f")


def signed(found: Mapping[str, Any]) -> str:
    """A difference with its 95% interval, or that it is not defined."""
    return _with_limits(found, "+.3f")


def number(value: float | None, digits: int = 3) -> str:
    """A figure without an interval; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def p_value(value: float | None) -> str:
    """A p-value in words."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural where it is not 1."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _with_limits(found: Mapping[str, Any], form: str) -> str:
    if found["value"] is None:
        return UNDEFINED
    if found["low"] is None or found["high"] is None:
        return format(found["value"], form)
    value, low, high = (format(found[name], form) for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
