"""From a source's value and unit to one number in one unit, or to the reason why not."""

from __future__ import annotations

import math
import re
from datetime import datetime

from clinical.case.shapes import Measurement, Sex
from clinical.errors import TermError
from clinical.terms import units
from clinical.terms.loinc import Term, candidates, lookup, reference_range

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,(?:\d{1,2}|\d{4,})", re.ASCII)
_BOUND = re.compile(r"(?:[<>≤≥].*|[+-]?(?:inf|infinity|∞))", re.IGNORECASE | re.DOTALL)
_LOINC = re.compile(r"\d{1,5}-\d", re.ASCII)

BOUND = "beyond the assay: given as a bound, not a value"
UNKNOWN = "not in the table of measurements"


def convert(value: float, unit: str, term: Term) -> float:
    """`value` in `unit`, any accepted spelling, as a number in `term.unit`.

    Raises:
        TermError: if the unit is not accepted for this term. Names code and unit, not the value.
    """
    line = term.lines[_accepted_unit(unit, term)]
    return _linear(value, float(line.slope), float(line.intercept))


def express(value: float, unit: str, term: Term) -> float:
    """The inverse of `convert`: `value` in `term.unit` as a number in `unit`, to show a person.

    Raises:
        TermError: if the unit is not accepted for this term.
    """
    line = term.lines[_accepted_unit(unit, term)].inverse()
    return _linear(value, float(line.slope), float(line.intercept))


def _linear(value: float, slope: float, intercept: float) -> float:
    if slope == 1 and intercept == 0:
        return value
    # Twelve digits are far beyond any assay and spare everyone 36.99999999999999 Cel.
    return float(f"{value * slope + intercept:.12g}")


def _accepted_unit(unit: str, term: Term) -> str:
    code = term.read_unit(unit)
    if code is None:
        # A column shifted by one may put anything into `unit`, so only known units are repeated.
        named = repr(unit) if unit in units.table() else "no unit" if not unit else "this unit"
        raise TermError(
            f"{term.code} ({term.name}) does not come in {named}.",
            remedy=f"Use one of: {', '.join(term.accepted)}.",
        )
    return code


def measurement(
    code_or_name: str,
    raw_value: str,
    raw_unit: str,
    *,
    time: datetime | None = None,
    sex: Sex | None = None,
    age_years: float | None = None,
) -> Measurement:
    """One measurement, normalised where that needs no guess. Never raises.

    A value that cannot be normalised is kept raw with `value` None and `problem` saying why; the
    problem names units and ranges, never the value. Bounds such as "<0.3" or "inf" are not values.

    Args:
        code_or_name: LOINC code, or a name the table knows.
        raw_value, raw_unit: as the source gives them; both are kept.
        time: when it was measured.
        sex, age_years: choose the reference range; None widens it.
    """
    name, raw, unit = str(code_or_name), str(raw_value), str(raw_unit)
    term, problem = _place(name, unit)
    if term is None:
        code = name.strip()
        if not _LOINC.fullmatch(code) and ":" not in code:
            code = f"local:{code}"
        return Measurement(code, name.strip(), None, "", time, raw, unit, problem=problem)
    reference = reference_range(term.code, sex=sex, age_years=age_years)
    value, canonical = None, ""
    if not problem:
        value, canonical, problem = _normalise(term, raw, unit)
    return Measurement(term.code, term.name, value, canonical, time, raw, unit, reference, problem)


def _place(name: str, unit: str) -> tuple[Term | None, str]:
    """The one term that a name and a unit can mean, and what stands in the way."""
    found = candidates(name)
    if not found:
        return None, UNKNOWN
    fitting = [t for t in found if t.read_unit(unit) is not None]
    if len(fitting) == 1:
        return fitting[0], ""
    if len(found) == 1:
        accepted = ", ".join(found[0].accepted)
        fault = "unit not accepted" if unit.strip() else "no unit given"
        return found[0], f"{fault}; accepted: {accepted}"
    named = ", ".join(f"{t.code} {t.name} in {t.unit}" for t in found)
    return None, f"the name fits several measurements and the unit does not decide: {named}"


def _normalise(term: Term, raw: str, unit: str) -> tuple[float | None, str, str]:
    number, problem = _parse(raw)
    if number is None:
        return None, "", problem
    value = convert(number, unit, term)
    low, high = term.plausible
    if not low <= value <= high:
        return None, "", f"outside the plausible range {low:g} to {high:g} {term.unit}"
    return value, term.unit, ""


def _parse(raw: str) -> tuple[float | None, str]:
    text = raw.strip()
    if not text:
        return None, "no value given"
    if _BOUND.fullmatch(text):
        return None, BOUND
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    elif "," in text:
        return None, "not an unambiguous number: write a decimal point and no thousands separator"
    if not _NUMBER.fullmatch(text):
        return None, "not a number"
    number = float(text)
    return (number, "") if math.isfinite(number) else (None, "not a finite number")


def abnormality(m: Measurement) -> float:
    """Signed distance of a measurement outside its reference range, in widths of that range.

    0 inside, and 0 for a measurement without value or range; above 0 too high, below 0 too low.
    Terms on a log scale are measured in log units. A range open on one side has as its width the
    distance from zero to its limit, on a log scale one decade. Always finite.
    """
    low, high = m.reference
    if m.value is None or not math.isfinite(m.value):
        return 0.0
    term = lookup(m.code)
    logarithmic = term is not None and term.scale == "log"
    if high is not None and m.value > high:
        return _distance(m.value, high, low, logarithmic)
    if low is not None and m.value < low:
        return -_distance(m.value, low, high, logarithmic)
    return 0.0


def _distance(value: float, limit: float, other: float | None, logarithmic: bool) -> float:
    if not logarithmic or limit <= 0 or (other is not None and other <= 0):
        width = abs(limit - other) if other is not None else abs(limit)
        return abs(value - limit) / width if width > 0 else 1.0
    width = abs(math.log(limit / other)) if other is not None else math.log(10)
    # A count of zero is six decades below its limit, not infinitely far.
    floor = limit * 1e-6
    return abs(math.log(max(value, floor) / limit)) / width if width > 0 else 1.0
