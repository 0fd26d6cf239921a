"""Is a value in another unit than it says? A median far from the usual, and near it in another.

The usual is the reference range of an adult. Patients are ill, so only a distance that no group of
them has is suspected, and only where another unit, or a slip of the decimal point, explains it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from clinical.terms.loinc import Term, reference_range

FEWEST_VALUES = 5
WIDER = 1.3
"""Factor by which the usual range is widened before a median counts as being in it."""
FAR = 1.8
"""Factor from the usual range from which a median is looked at, on a linear scale."""
FAR_LOG, FAR_ONE_SIDED = 6.0, 100.0
"""The same where values span decades: with both limits, and with an upper one alone, as of CRP."""
_SLIPS = (10.0, 100.0, 1000.0)
_DECIMAL = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class Suspect:
    """Values that another reading would make usual.

    Attributes:
        count: values.
        stated: their unit as written, or "" for none.
        factor: the median divided by what the other reading makes of it.
        would_be: the unit that it would be, or "" for a slip of the decimal point.
        part: whether these are only those of the values that are refused as implausible.
    """

    count: int
    stated: str
    factor: float
    would_be: str
    part: bool = False

    def __str__(self) -> str:
        who = f"{self.count:,} values that are refused" if self.part else f"{self.count:,} values"
        written = f" written in {self.stated}" if self.stated else " without a unit"
        if not self.stated:
            return f"{who}{written} would be usual in {self.would_be}"
        how = f"{self.factor:.3g} times" if self.factor >= 1 else f"1/{1 / self.factor:.3g} of"
        far = f"{who}{written} have a median {how} the usual"
        return f"{far}; they would be usual in {self.would_be or 'another place of the point'}"


def number(raw: str) -> float | None:
    """The number in a cell where it is plainly one; bounds and all else are None."""
    text = raw.strip()
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else None


def usual(term: Term) -> tuple[float, float] | None:
    """Lower and upper end of what is usual in an adult, in the term's unit; None if unknown."""
    low, high = reference_range(term.code)
    if (low is None and high is None) or (low is not None and low < 0):
        return None  # around 0, as a base excess is, nothing is so many times the usual
    low = low if low is not None else (high or 0.0) / 1000
    high = high if high is not None else low * 1.5
    return low / WIDER, high * WIDER


def of(
    term: Term, stated: str, raw: Sequence[float], refused: Sequence[float]
) -> Iterator[Suspect]:
    """What is suspected of values that say one unit.

    Args:
        term: what was measured.
        stated: the unit as written; "" for none.
        raw: all numbers as written.
        refused: those of them that are implausible in that unit.
    """
    span, unit = usual(term), term.read_unit(stated)
    if len(raw) < FEWEST_VALUES:
        return
    if span is None:
        yield from _of_implausible(term, stated, unit, refused)
        return
    if unit is None:
        fitting = _units_that_fit(term, span, median(raw)) if not stated else []
        if len(fitting) == 1:
            yield Suspect(len(raw), "", 1.0, fitting[0])
        return
    whole = _explained(term, span, unit, median(raw))
    if whole:
        yield Suspect(len(raw), stated, *whole)
    elif len(refused) >= FEWEST_VALUES:
        some = _explained(term, span, unit, median(refused))
        if some:
            yield Suspect(len(refused), stated, *some, part=True)


def _of_implausible(
    term: Term, stated: str, unit: str | None, refused: Sequence[float]
) -> Iterator[Suspect]:
    """Where nothing is usual: values that only another unit makes plausible."""
    if unit is None or len(refused) < FEWEST_VALUES:
        return
    middle = median(refused)
    value = _in(term, unit, middle)
    others = [(value / _in(term, other, middle), other) for other in term.accepted if other != unit]
    fitting = [pair for pair in others if pair[0] and _within(term.plausible, value / pair[0])]
    if len(fitting) == 1:
        yield Suspect(len(refused), stated, *fitting[0], part=True)


def _explained(
    term: Term, span: tuple[float, float], unit: str, middle: float
) -> tuple[float, str] | None:
    """Factor and unit of the reading that makes a far median usual."""
    value = _in(term, unit, middle)
    if not _far(term, span, value):
        return None
    others = [(other, _in(term, other, middle)) for other in term.accepted if other != unit]
    fitting = [(value / found, other) for other, found in others if _within(span, found)]
    if not fitting and term.scale == "linear" and None not in reference_range(term.code):
        slips = [slip for size in _SLIPS for slip in (size, 1 / size)]
        fitting = [(slip, "") for slip in slips if _within(span, value / slip)]
    # The unit that moves the number least is the likeliest mistake.
    return min(
        fitting,
        key=lambda found: abs(math.log(found[0])) if found[0] > 0 else math.inf,
        default=None,
    )


def _units_that_fit(term: Term, span: tuple[float, float], middle: float) -> list[str]:
    fitting = [unit for unit in term.accepted if _within(span, _in(term, unit, middle))]
    # Two names of one size, such as 10*3/uL and 10*9/L, are one answer.
    sizes = {round(_in(term, unit, 1.0), 9) for unit in fitting}
    return fitting[:1] if len(sizes) == 1 else fitting


def _in(term: Term, unit: str, value: float) -> float:
    line = term.lines[unit]
    return value * float(line.slope) + float(line.intercept)


def _within(span: tuple[float, float], value: float) -> bool:
    return span[0] <= value <= span[1]


def _far(term: Term, span: tuple[float, float], value: float) -> bool:
    low, high = span
    if term.scale == "linear":
        factor = FAR
    else:
        factor = FAR_ONE_SIDED if None in reference_range(term.code) else FAR_LOG
    return value > high * factor or value < low / factor
