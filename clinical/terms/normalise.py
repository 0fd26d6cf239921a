"""From a source's value and unit to one number in one unit, or to the reason why not."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from clinical.case.shapes import Measurement, Sex
from clinical.errors import TermError
from clinical.terms import cells, doubts, specimens, units
from clinical.terms.cells import Cell
from clinical.terms.doubts import SAY_SPECIMEN
from clinical.terms.loinc import Term, candidates, lookup, reference_range

_LOINC = re.compile(r"\d{1,5}-\d", re.ASCII)

UNKNOWN = "not in the table of measurements"
KNOWN_NAMES = "use a LOINC code or a name from the table of measurements"


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


@dataclass(frozen=True)
class Understood:
    """One row as it was understood.

    Attributes:
        measurement: with a value, or raw with its problem.
        column: of the folder format, that keeps the value from being used; "" where it is used.
        remedy: what would make it usable, or "".
        spread: how far the true value may lie from the written one because of rounding, in the
            unit of the measurement; 0 where it is not used.
    """

    measurement: Measurement
    column: str = ""
    remedy: str = ""
    spread: float = 0.0


def measurement(
    code_or_name: str,
    raw_value: str,
    raw_unit: str,
    *,
    time: datetime | None = None,
    sex: Sex | None = None,
    age_years: float | None = None,
    specimen: str = "",
) -> Measurement:
    """One measurement, normalised where that needs no guess. Never raises.

    A value that cannot be normalised is kept raw with `value` None and `problem` saying why; the
    problem names units and ranges, never the value. A bound such as "<0.3" has its limit as
    `value` and says so in `bound`; "inf" has no limit and so no value.

    Args:
        code_or_name: LOINC code, or a name the table knows.
        raw_value, raw_unit: as the source gives them; both are kept.
        time: when it was measured.
        sex, age_years: choose the reference range; None widens it.
        specimen: what it was measured in, as the source says it; "" where it does not.
    """
    return understand(
        code_or_name,
        raw_value,
        raw_unit,
        time=time,
        sex=sex,
        age_years=age_years,
        specimen=specimen,
    ).measurement


def understand(
    code_or_name: str,
    raw_value: str,
    raw_unit: str,
    *,
    time: datetime | None = None,
    sex: Sex | None = None,
    age_years: float | None = None,
    specimen: str = "",
) -> Understood:
    """`measurement`, and where it cannot be used which cell is to blame and what to do."""
    name, raw, unit = str(code_or_name).strip(), str(raw_value), str(raw_unit)
    cell = cells.read(raw)
    placed = place(name, unit if unit.strip() else cell.unit, specimen)
    term = placed.term
    if term is None:
        kept = Measurement(
            placed.code, placed.name, None, "", time, raw, unit, problem=placed.problem
        )
        return Understood(kept, placed.column, placed.remedy)
    reference = reference_range(term.code, sex=sex, age_years=age_years)

    def refused(problem: str, column: str, remedy: str) -> Understood:
        raw_only = (term.code, term.name, None, "", time, raw, unit, reference, problem)
        return Understood(Measurement(*raw_only), column, remedy)

    if placed.problem:
        return refused(placed.problem, placed.column, placed.remedy)
    written = unit if unit.strip() else cell.unit
    value, problem = _normalise(term, cell, unit, written)
    if value is None:
        return refused(problem, "value", "correct the value or its unit, or leave the row out")
    accepted = term.read_unit(written) or ""
    if not _is_code(name):
        doubt = doubts.doubt(term, name, placed.specimen, value, accepted)
        if doubt:
            return refused(doubt.problem, doubt.column, doubt.remedy)
    spread = abs(float(term.lines[accepted].slope)) * cell.step / 2
    used = (term.code, term.name, value, term.unit, time, raw, unit, reference, "", cell.bound)
    return Understood(Measurement(*used), spread=spread)


@dataclass(frozen=True)
class Placed:
    """The one term that a row can mean, or what stands in the way; `code` and `name` to keep."""

    code: str
    name: str
    term: Term | None = None
    problem: str = ""
    column: str = ""
    remedy: str = ""
    specimen: str = ""


@lru_cache(maxsize=8192)
def place(name: str, unit: str, cell: str) -> Placed:
    """The one term that a name, a unit and the cell of a specimen can mean."""
    code = name if _LOINC.fullmatch(name) or ":" in name else f"local:{name}"
    stated = specimens.read(cell)
    if stated is None:
        return Placed(
            code, name, None, "the specimen is not a word that is known", "specimen", SAY_SPECIMEN
        )
    coded = specimens.of_code(name)
    if coded:
        return _other(name, *coded, "code")
    named = specimens.within(name)
    if (
        stated
        and named.specimen
        and (stated in specimens.BLOODS) != (named.specimen in specimens.BLOODS)
    ):
        problem = f"the name is of {named.specimen}, the specimen is {stated}"
        return Placed(code, name, None, problem, "specimen", "correct one of the two")
    specimen = named.specimen if stated in ("", "blood") and named.specimen else stated
    found = candidates(specimens.precise(named.name, specimen))
    fitting = specimens.fitting(found, specimen)
    if specimen and not fitting and (found or specimen not in specimens.BLOODS):
        column = "specimen" if stated else "code"
        return _other(name, found[0].name if found else name, specimen, column)
    if not found:
        return Placed(code, name, None, UNKNOWN, "code", KNOWN_NAMES)
    return replace(_by_unit(code, name, fitting, unit), specimen=specimen)


def _other(name: str, thing: str, specimen: str, column: str) -> Placed:
    """Refuses a value of another specimen under a name of its own, so that nobody mixes them."""
    problem = f"a value of {specimen}, and no value of {specimen} is read"
    if specimen in specimens.BLOODS:
        problem = f"the code or name does not go with {specimen}"
    remedy = "leave the row out, or correct the specimen"
    shown = name if specimen in name.casefold() else f"{thing} ({specimen})"
    code = f"{specimen.replace(' ', '_')}:{name}"
    return Placed(code, shown, None, problem, column, remedy)


def _by_unit(code: str, name: str, found: tuple[Term, ...], unit: str) -> Placed:
    fitting = [t for t in found if t.read_unit(unit) is not None]
    if len(fitting) == 1:
        return Placed(code, name, fitting[0])
    if len(found) == 1:
        accepted = ", ".join(found[0].accepted)
        fault = "unit not accepted" if unit.strip() else "no unit given"
        problem = f"{fault}; accepted: {accepted}"
        remedy = "write one of the accepted units"
        return Placed(code, name, found[0], problem, "unit", remedy)
    named = ", ".join(f"{t.code} {t.name} in {t.unit}" for t in found)
    problem = f"the name fits several measurements and the unit does not decide: {named}"
    remedy = "write the LOINC code that is meant"
    if len({t.specimen for t in found}) > 1:
        remedy += ", or the specimen in a column specimen"
    return Placed(code, name, None, problem, "code", remedy)


def _is_code(name: str) -> bool:
    return bool(_LOINC.fullmatch(name.casefold().removeprefix("loinc:").strip()))


def _normalise(term: Term, cell: Cell, unit: str, read_in: str) -> tuple[float | None, str]:
    if cell.number is None:
        return None, cell.problem
    if cell.unit:
        written = term.read_unit(cell.unit)
        if written is None:
            return None, "not a number alone, and what stands beside it is no accepted unit"
        if unit.strip() and written != term.read_unit(unit):
            return None, "the unit beside the value is not that of the column unit"
    value = convert(cell.number, read_in, term)
    low, high = term.plausible
    if not low <= value <= high:
        return None, f"outside the plausible range {low:g} to {high:g} {term.unit}"
    return value, ""


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
