"""A measured value as a sentence names it: with its unit, its mark and the value before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from clinical.case.assessment import EvidenceItem
from clinical.case.sentences import Named, Value, Whole
from clinical.case.shapes import Measurement, Measurements
from clinical.formatting import duration
from clinical.modalities.kit import Telling, the
from clinical.modalities.measurements.words import marked
from clinical.terms.loinc import lookup
from clinical.terms.shown import cut_offs, shown, unit, valued
from clinical.wording import inside_a_sentence

_QUALIFIED = re.compile(r"(.+?) \(([^()]+)\)")
_BEFORE = {
    "high sensitivity": "high-sensitivity ",
    "arterial blood": "arterial ",
    "venous blood": "venous ",
    "blood": "blood ",
    "whole blood": "whole-blood ",
    "total": "total ",
}
"""What stands before the name instead of behind it in brackets."""

_TOLD_BY_THE_UNIT = {
    "FEU",
    "DDU",
    "absolute",
    "share of leukocytes",
    "mass",
    "activity",
    "CV",
    "SD",
    "serum or plasma",
}
MATTERS = 0.2
"""Share of the earlier value by which a value has to change for the change to be told."""

_LEAST = {"Cel": 0.5, "[pH]": 0.05}
"""The same in units whose zero means nothing."""

_LAST = {"total", "direct", "indirect", "ionised", "free"}
"""What a name of a list ends with and a sentence begins with: "total bilirubin"."""

_PROPER = ("Glasgow", "Horowitz")


def named(name: str, value: Measurements, item: EvidenceItem, telling: Telling) -> Named:
    """ "potassium 6.9 mmol/L", critical high, up from 5.1 in 6 h: the newest of all its values."""
    if not 0 <= item.index < len(value.items):
        return Named(f"{item.label} in {the(name)}", Whole(name))
    code = value.items[item.index].code
    usable = sorted(
        (
            place
            for place, one in enumerate(value.items)
            if one.code == code and one.value is not None
        ),
        key=lambda place: _newest(value.items[place], place),
    )
    if not usable:
        found = value.items[item.index]
        source = Value(name, item.index, code, None, "")
        return Named(_spoken(found, telling), source)
    newest = value.items[usable[0]]
    before = _before(newest, [value.items[place] for place in usable[1:]])
    mark = _mark(newest, telling.age_years)
    source = Value(
        name,
        usable[0],
        code,
        newest.value,
        newest.unit,
        before.value if before else None,
        mark,
    )
    said = mark.replace("critical ", "critically ")
    facts = (_limit(newest) or said, _trend(newest, before, telling) if before else "")
    return Named(_with_unit(newest, telling), source, tuple(filter(None, facts)))


def _with_unit(item: Measurement, telling: Telling) -> str:
    plain = f"{_spoken(item, telling)} {valued(item)}"
    if item.unit in ("", "[pH]") or item.unit.startswith("{"):  # the name says what is counted
        return plain
    written = unit(item.unit).replace("_m2", " m²")
    return f"{plain}{'' if written.startswith(('%', '/')) else ' '}{written}"


def _newest(item: Measurement, place: int) -> tuple[float, int]:
    return (-item.time.timestamp() if item.time else 0.0, place)


def _spoken(item: Measurement, telling: Telling) -> str:
    """The name as it is said: "high-sensitivity troponin T"."""
    if not telling.quoted and lookup(item.code) is None:
        return "another measurement"
    found = _QUALIFIED.fullmatch(item.name)
    if found is None:
        return _inside(item.name)
    plain, qualifier = found.groups()
    if qualifier in _TOLD_BY_THE_UNIT:
        return _inside(plain)
    if qualifier in _BEFORE:
        return f"{_BEFORE[qualifier]}{_inside(plain)}"
    if qualifier == "pulse oximetry":
        return f"{_inside(plain)} by {qualifier}"
    return _inside(item.name)


def _inside(name: str) -> str:
    if name.startswith(_PROPER):
        return name.removesuffix(" total")
    first, _, last = name.rpartition(" ")
    return f"{last} {inside_a_sentence(first)}" if last in _LAST else inside_a_sentence(name)


def _mark(item: Measurement, age_years: float | None) -> str:
    """As `marked`, and "within range" for what lies in a known one."""
    if (found := marked(item, age_years)) or item.bound or item.reference == (None, None):
        return found
    return "within range"


def _limit(item: Measurement) -> str:
    """ "above the cut-off of 450": of what has a limit for a disease and no range, or ""."""
    term, (_, high) = lookup(item.code), item.reference
    if term is None or term.code not in cut_offs() or high is None or item.value is None:
        return ""
    side = "above" if item.value > high else "below"
    return f"{side} the cut-off of {shown(high, item.unit, item.code)}"


def _before(newest: Measurement, earlier: Sequence[Measurement]) -> Measurement | None:
    """The value before in the same unit, of another time where times are known; no bounds."""
    if newest.bound:
        return None
    return next(
        (
            one
            for one in earlier
            if one.unit == newest.unit and not one.bound and one.time != newest.time
        ),
        None,
    )


def _trend(newest: Measurement, before: Measurement, telling: Telling) -> str:
    """ "up from 5.1 in 6 h", of a change that matters, or ""."""
    now, then = newest.value or 0.0, before.value or 0.0
    least = _LEAST.get(newest.unit, MATTERS * abs(then))
    crossed = _mark(newest, telling.age_years) != _mark(before, telling.age_years)
    if valued(newest) == valued(before) or not (crossed or abs(now - then) >= least):
        return ""
    side = "up" if now > then else "down"
    ago = _apart(newest.time, before.time)
    return f"{side} from {valued(before)}" + (f" in {ago}" if ago else "")


def _apart(later: datetime | None, earlier: datetime | None) -> str:
    if later is None or earlier is None or (later.tzinfo is None) != (earlier.tzinfo is None):
        return ""
    return duration(later - earlier)
