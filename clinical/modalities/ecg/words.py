"""A tracing in words: what was measured, which criteria it meets, and what is wrong with it."""

from __future__ import annotations

from clinical.case.shapes import Array
from clinical.modalities.ecg.analysis import Analysis
from clinical.modalities.ecg.tracing import tokens

BY = "measured by the program"

_NUMBERS: tuple[tuple[str, str, str, str], ...] = (
    ("rate", "Rate", ".0f", "/min"),
    ("pr_ms", "PR", ".0f", "ms"),
    ("qrs_ms", "QRS", ".0f", "ms"),
    ("qt_ms", "QT", ".0f", "ms"),
    ("qtc_fridericia_ms", "QTc (Fridericia)", ".0f", "ms"),
    ("qtc_bazett_ms", "QTc (Bazett)", ".0f", "ms"),
    ("axis_deg", "Axis", ".0f", "°"),
    ("sokolow_lyon_mv", "Sokolow-Lyon", ".1f", "mV"),
)


def measured(array: Array) -> list[tuple[str, str]]:
    """Name and value with its unit, of all that could be measured; the rhythm first."""
    analysis = tokens(array).analysis
    return [("Rhythm", analysis.rhythm), *_numbers(analysis)]


def _numbers(analysis: Analysis) -> list[tuple[str, str]]:
    found = []
    for attribute, name, form, unit in _NUMBERS:
        value = getattr(analysis, attribute)
        if value is not None:
            space = "" if unit in ("°", "/min") else "\u00a0"
            found.append((name, f"{value:{form}}{space}{unit}"))
    return found
