"""A measured value and its unit as a laboratory report writes them.

shown.csv has, for each term, how many decimals a value in the term's unit is shown with, whether
its limit is a cut-off for a diagnosis instead of a reference range (whose source ranges.csv names),
and the group that it is read with. Its rows stand in the order in which they are read: vital signs
first, and in a group what belongs together.
What a source wrote is never rounded: this is for normalised values only.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib import resources

from clinical.case.shapes import Measurement
from clinical.formatting import number
from clinical.terms.loinc import lookup

ROUNDED = 0.05
"""A value that its decimals would change by more than this share is shown with more of them."""

OTHER = "other"
"""The group of what is no known term."""

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@cache
def decimals() -> dict[str, int]:
    """LOINC code to the number of decimals, for values in the unit of the term."""
    return {row["code"]: int(row["decimals"]) for row in _rows()}


@cache
def cut_offs() -> frozenset[str]:
    """LOINC codes whose limit tells a disease, not what healthy people have."""
    return frozenset(row["code"] for row in _rows() if row["limit"] == "cut-off")


@cache
def groups() -> dict[str, str]:
    """LOINC code to the group of the term, such as "blood gas", in reading order."""
    return {row["code"]: row["group"] for row in _rows()}


def place(code: str) -> tuple[str, int]:
    """Group of a measurement and its place among all in reading order; OTHER, last, if unknown."""
    term = lookup(code)
    found = groups().get(term.code) if term is not None else None
    if term is None or found is None:
        return OTHER, len(groups())
    return found, list(groups()).index(term.code)


def _rows() -> list[dict[str, str]]:
    text = resources.files("clinical.terms").joinpath("shown.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def shown(value: float, unit: str, code: str) -> str:
    """A normalised value with the decimals of its term: creatinine "1.32", sodium "138".

    Values of other codes, or in another unit than that of the term, have five significant digits.
    """
    term = lookup(code)
    if term is None or term.unit != unit or term.code not in decimals():
        return number(value)
    text = f"{value:.{decimals()[term.code]}f}"
    if abs(float(text) - value) > ROUNDED * abs(value):
        return number(value)
    return text.replace("-", "−")


def valued(item: Measurement) -> str:
    """ "1.32" or "< 0.5": a value with its decimals, and its sign where it is a bound."""
    if item.value is None:
        return ""
    return f"{item.bound} {shown(item.value, item.unit, item.code)}".lstrip()


def limits(reference: tuple[float | None, float | None], unit: str, code: str) -> str:
    """A reference range, to the decimals of its term: "3.5–5.1", "≤ 5", "≥ 90", or "".

    A cut-off for a diagnosis is no range, and says so: "cut-off 450".
    """
    low, high = reference
    term = lookup(code)
    if high is not None and term is not None and term.code in cut_offs():
        return f"cut-off {shown(high, unit, code)}"
    if low is not None and high is not None:
        return f"{shown(low, unit, code)}–{shown(high, unit, code)}"
    if high is not None:
        return f"≤ {shown(high, unit, code)}"
    return f"≥ {shown(low, unit, code)}" if low is not None else ""


def spoken(item: Measurement) -> str:
    """ "Potassium 6.9 mmol/L"; the name alone where the value could not be normalised."""
    if item.value is None:
        return item.name
    bare = item.unit == "[pH]" or item.unit.startswith("{")  # the name says what is counted
    words = f"{item.name} {valued(item)}"
    return words if bare or not item.unit else f"{words} {unit(item.unit)}"


def unit(ucum: str) -> str:
    """A UCUM unit as written by hand: `10*9/L` is "10⁹/L", `mm[Hg]` "mmHg", `{INR}` "INR"."""
    if ucum == "Cel":
        return "°C"
    powers = re.sub(r"10\*(\d+)", lambda found: "10" + found[1].translate(_RAISED), ucum)
    plain = re.sub(r"[\[\]}]", "", powers).replace("{", " ").strip()
    return re.sub(r"(^|/)u(?=[a-zA-Z])", r"\1µ", plain)
