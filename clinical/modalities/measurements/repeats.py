"""Several values of one thing at one time: the same one once, and of contradictory ones none.

Values in different units are compared after conversion, as the intervals that rounding leaves:
106 umol/L and 1.2 mg/dL of creatinine agree, 5 and 500 mg/L of CRP do not. A bound reaches from
its limit to where there is no limit. A time that names a day without an hour is no such time: the
values of one day may all be true, and all are used.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations

from clinical.case.case import Problem
from clinical.case.shapes import Measurement
from clinical.tables.table import Row
from clinical.terms.normalise import Understood

CONTRADICTION = "another value of the same time contradicts it; neither is used"

_NARROWER = 1 - 1e-9  # 5.1 and 5.2 touch and are two values


@dataclass(frozen=True)
class Taken:
    """One row of the table as it was understood.

    Attributes:
        file, row: where it stands.
        understood: what it says.
        within_day: whether its time says when within the day.
    """

    file: str
    row: Row
    understood: Understood
    within_day: bool


def settled(taken: Sequence[Taken]) -> tuple[list[Measurement], list[Problem]]:
    """Every measurement in source order without repeats, and what is to be said of repeats."""
    groups: dict[tuple[str, datetime], list[int]] = defaultdict(list)
    for index, one in enumerate(taken):
        item = one.understood.measurement
        if item.value is not None and item.time is not None:
            groups[item.code, item.time].append(index)
    dropped: list[int] = []
    refused: set[int] = set()
    problems: list[Problem] = []
    for group in (group for group in groups.values() if len(group) > 1):
        if all(_agree(taken[a], taken[b]) for a, b in combinations(group, 2)):
            kept = min(group, key=lambda index: (_width(taken[index]), index))
            dropped += [index for index in group if index != kept]
        elif all(taken[index].within_day for index in group):
            refused.update(group)
            problems.append(_contradiction([taken[index] for index in group]))
    if dropped:
        problems.append(_repeats([taken[index] for index in sorted(dropped)]))
    gone = set(dropped)
    items = [
        _refused(one.understood.measurement) if index in refused else one.understood.measurement
        for index, one in enumerate(taken)
        if index not in gone
    ]
    return items, problems


def _interval(one: Taken) -> tuple[float, float]:
    item, spread = one.understood.measurement, one.understood.spread
    value = item.value or 0.0
    low = -math.inf if item.bound in ("<", "≤") else value - spread * _NARROWER
    high = math.inf if item.bound in (">", "≥") else value + spread * _NARROWER
    return low, high


def _agree(one: Taken, other: Taken) -> bool:
    if one.understood.measurement.value == other.understood.measurement.value:
        return True
    (low, high), (from_, to) = _interval(one), _interval(other)
    return low < to and from_ < high


def _width(one: Taken) -> float:
    low, high = _interval(one)
    return high - low


def _refused(item: Measurement) -> Measurement:
    return replace(item, value=None, unit="", bound="", problem=CONTRADICTION)


def _contradiction(group: Sequence[Taken]) -> Problem:
    first = group[0]
    rows = _rows(group)
    name = first.understood.measurement.name
    return Problem(
        first.file,
        f"rows {rows} give different values of {name} at one time; none of them is used.",
        first.row.number,
        "value",
        "keep the right one, or correct its time or specimen",
    )


def _repeats(gone: Sequence[Taken]) -> Problem:
    first = gone[0]
    which = (
        f"row {_rows(gone)} gives" if len(gone) == 1 else f"{len(gone)} rows ({_rows(gone)}) give"
    )
    reason = f"{which} a value again that another row gives for the same time; it is used once."
    return Problem(first.file, reason, first.row.number, "value", "none needed; leave repeats out")


def _rows(group: Sequence[Taken], shown: int = 5) -> str:
    numbers = [str(one.row.number) for one in group]
    if len(numbers) > shown:
        return f"{', '.join(numbers[:shown])} and {len(numbers) - shown} more"
    return " and ".join(filter(None, (", ".join(numbers[:-1]), numbers[-1])))
