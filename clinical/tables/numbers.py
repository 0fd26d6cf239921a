"""One column, one number format: what its cells say about it, and what a cell is in it.

`1.500` is one and a half, or fifteen hundred. The cell does not say which; the column does, as soon
as one of its cells can be read in one way only: `0.125`, `8.5`, `1,2`, `1.234,5`. Where no cell
decides, or cells contradict each other, those that can be read in two ways are not read at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SPACES = " \u00a0\u2007\u2009\u202f"
APOSTROPHES = "'\u2019\u02bc"
MINUS = "\u2212\ufe63\uff0d"

_UNIFORM = str.maketrans(
    dict.fromkeys(SPACES, " ") | dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(MINUS, "-")
)
_CELL = re.compile(
    r"(?P<before>[^\d.,]{0,20}?[+-]?\s*)"
    r"(?P<digits>\d(?:[\d.,']|[ ](?=\d{3}(?!\d)))*|[.,]\d+)"
    r"(?P<exponent>[eE][+-]?\d{1,3})?"
    # A unit or a flag, but neither the other end of a range nor the other part of a pair.
    r"(?P<after>\s*|\s*(?![-/:\u2013]\s*\d)[^\d\s.,'].{0,20}|\s+10[*^x\u2070-\u2079\u00b2\u00b3].{0,20})",
    re.ASCII | re.DOTALL,
)
_PLAIN = re.compile(r"\d*")
_EVERYDAY = re.compile(r"-?\d+(?:\.\d{1,2})?", re.ASCII)

TWO_WAYS = (
    "the number can be read in two ways, and the column does not say which: 1{0}500 would be"
    " 1.5 or 1500"
)
OTHER_FORMAT = "not a number in the format of its column, which has a decimal {0}"
NAMES = {".": "point", ",": "comma", "'": "apostrophe", " ": "space"}


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written.

    Attributes:
        decimal: "." or ",".
        thousands: what stands between groups of three digits: ".", ",", "'", " ", or "" where the
            column has nothing there.
    """

    decimal: str
    thousands: str = ""

    def __str__(self) -> str:
        groups = f", {NAMES[self.thousands]} between thousands" if self.thousands else ""
        return f"decimal {NAMES[self.decimal]}{groups}"


POINT = NumberFormat(".")
_ALL = tuple(
    NumberFormat(decimal, thousands)
    for decimal in ".,"
    for thousands in (".", ",", "'", " ", "")
    if decimal != thousands
)
Signs = frozenset[NumberFormat]
"""The formats in which every number of some cells can be read; none, if they contradict."""

ANY: Signs = frozenset(_ALL)


def signs(cells: Iterable[str]) -> Signs:
    """Which formats fit every number among `cells`; what is no number says nothing."""
    left: Signs = ANY
    for cell in cells:
        if _EVERYDAY.fullmatch(cell):
            if "." in cell:
                left &= _DECIMAL_POINT
            continue
        found = _readings(cell)
        if found:
            left &= frozenset(found)
    return left


_DECIMAL_POINT: Signs = frozenset(one for one in _ALL if one.decimal == ".")


def decide(*evidence: Signs) -> NumberFormat | None:
    """The format of a column; None where no number decides it or numbers contradict each other.

    Args:
        evidence: of the column, then of others of the same file, asked only if it does not decide.
    """
    left = evidence[0]
    for more in evidence[1:]:
        if left and len(_decimals(left)) > 1 and left & more:
            left &= more
    if len(_decimals(left)) != 1:
        return None
    (decimal,) = _decimals(left)
    # What separates thousands is known where all but one way is ruled out, and where it is not,
    # no cell has any: a later "1.500" is then no number at all rather than a guess.
    between = {one.thousands for one in left}
    return NumberFormat(decimal, between.pop() if len(between) == 1 else "")


def _decimals(left: Signs) -> set[str]:
    return {one.decimal for one in left}


def canonical(text: str, form: NumberFormat | None) -> tuple[str, str]:
    """A cell as a number with a decimal point, and "" or why it cannot be read so.

    What stands beside the number stays: "<1.234,5 mg/l" is "<1234.5 mg/l". A text that is no number
    in any format comes back as it is, for others to judge. Reasons hold no part of the cell.

    Args:
        text: the cell.
        form: of its column, or None where that is not known: a number that has one reading in all
            formats is read all the same.
    """
    if _EVERYDAY.fullmatch(text) and (form is None or form.decimal == "." or "." not in text):
        return text, ""
    found = _readings(text)
    if not found:
        return text, ""
    if form is None:
        values = set(found.values())
        mark = "," if "," in text else "."
        return (values.pop(), "") if len(values) == 1 else ("", TWO_WAYS.format(mark))
    fitting = found.get(form)
    if fitting is None and form.thousands in (".", ",", ""):
        # Apostrophes and spaces are never anything else than marks between thousands.
        fitting = found.get(NumberFormat(form.decimal, "'")) or found.get(
            NumberFormat(form.decimal, " ")
        )
    if fitting is None:
        return "", OTHER_FORMAT.format(NAMES[form.decimal])
    return fitting, ""


def _readings(cell: str) -> dict[NumberFormat, str]:
    """Format to the cell in it, with a decimal point; empty where it is a number in none."""
    match = _CELL.fullmatch(cell.translate(_UNIFORM).strip())
    if match is None:
        return {}
    digits, exponent, after = match["digits"], match["exponent"] or "", match["after"]
    before = match["before"]
    before = before if any(map(str.isalpha, before)) else before.replace(" ", "")
    if after and not digits[-1].isdigit():
        return {}  # "12. Mar" is the beginning of a date
    found = {}
    for form in _ALL:
        number = _reading(digits, form, whole=not exponent)
        if number:
            found[form] = before + number + exponent + after
    return found


def _reading(digits: str, form: NumberFormat, *, whole: bool) -> str:
    """`digits` with a decimal point, or "" where they do not fit the format."""
    left, mark, right = digits.partition(form.decimal)
    if (mark and not _PLAIN.fullmatch(right)) or not (left or right):
        return ""
    groups = left.split(form.thousands) if form.thousands else [left]
    if (
        len(groups) > 1
        and not (
            whole  # nobody groups the digits of 1.234e5
            and 1 <= len(groups[0]) <= 3
            and groups[0][0] != "0"
            and all(len(group) == 3 for group in groups[1:])
        )
    ):
        return ""
    if not all(_PLAIN.fullmatch(group) for group in groups):
        return ""
    return "".join(groups) + ("." + right if right else "") or ""
