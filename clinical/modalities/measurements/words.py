"""Measured values in words, and without what could identify a person."""

from __future__ import annotations

from datetime import datetime

from clinical.case.assessment import EvidenceItem
from clinical.case.shapes import Measurement, Measurements
from clinical.modalities.dates import LEFT_OUT, OTHER, counted_before
from clinical.terms.critical import critical
from clinical.terms.loinc import lookup
from clinical.terms.shown import spoken


def label(value: Measurements, item: EvidenceItem) -> str:
    """ "CRP 84 mg/L (high)": a value that speaks for or against."""
    if not 0 <= item.index < len(value.items):
        return item.label
    found = value.items[item.index]
    if found.value is None:
        return found.name or item.label
    mark = outside(found)
    words = spoken(found)
    return f"{words} ({mark})" if mark else words


def marked(item: Measurement, age_years: float | None) -> str:
    """ "critical high", "high", "low", "critical low" by published limits for the age, or ""."""
    if item.value is None:
        return ""
    side = critical(item, age_years)
    return f"critical {side}" if side else outside(item)


def outside(item: Measurement) -> str:
    """ "high" or "low" for the reference range, or ""; of a bound only where it is certain."""
    low, high = item.reference
    if item.value is None:
        return ""
    if high is not None and item.value > high and item.bound not in ("<", "≤"):
        return "high"
    below = low is not None and item.value < low and item.bound not in (">", "≥")
    return "low" if below else ""


def deidentified(value: Measurements, decision: datetime | None) -> Measurements:
    """Listed codes and units only; no raw text."""
    return Measurements(tuple(_deidentified(item, decision) for item in value.items))


def _deidentified(item: Measurement, decision: datetime | None) -> Measurement:
    term = lookup(item.code)
    code, name = (term.code, term.name) if term else (OTHER, "other measurement")
    if term is None or item.value is None or item.unit not in term.accepted:
        return Measurement(code, name, None, "", None, "", "", problem=LEFT_OUT)
    time = counted_before(item.time, decision)
    limits = item.reference
    return Measurement(code, name, item.value, item.unit, time, "", "", limits, bound=item.bound)
