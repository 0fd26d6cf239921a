"""Values nobody should overlook: the published critical limits in critical.csv.

critical.csv has one row per LOINC term with limits in the unit of the table of measurements: at or
below `low`, and at or above `high`, a value is critical. The limits are those of adults.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Literal

from clinical.case.shapes import Measurement
from clinical.errors import TermError
from clinical.terms.loinc import lookup
from clinical.terms.normalise import convert

Side = Literal["low", "high"]


@cache
def limits() -> dict[str, tuple[float | None, float | None]]:
    """LOINC code to lower and upper critical limit, in the unit of its term."""
    text = resources.files("clinical.terms").joinpath("critical.csv").read_text(encoding="utf-8")
    return {
        row["code"]: (
            float(row["low"]) if row["low"] else None,
            float(row["high"]) if row["high"] else None,
        )
        for row in csv.DictReader(text.splitlines())
    }


def critical(measured: Measurement) -> Side | None:
    """The side on which a value is critical, or None; None too where no limits are published.

    A bound is critical only where every value that it allows is.
    """
    term = lookup(measured.code)
    if measured.value is None or term is None or term.code not in limits():
        return None
    low, high = limits()[term.code]
    try:
        value = convert(measured.value, measured.unit, term)
    except TermError:
        return None
    if low is not None and value <= low and measured.bound not in (">", "≥"):
        return "low"
    beyond = high is not None and value >= high and measured.bound not in ("<", "≤")
    return "high" if beyond else None
