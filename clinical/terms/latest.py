"""The value of one thing that stands at a decision: the latest within a window before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from clinical.case.shapes import Measurement
from clinical.terms.loinc import lookup


def by_term(measured: Iterable[Measurement]) -> Mapping[str, Sequence[Measurement]]:
    """Usable values by the code of their term, in the order of the source."""
    found: dict[str, list[Measurement]] = defaultdict(list)
    for item in measured:
        term = lookup(item.code) if item.value is not None else None
        if term is not None:
            found[term.code].append(item)
    return found


def latest(
    measured: Sequence[Measurement], decision: datetime | None, hours: float
) -> Measurement | None:
    """The latest value of those of one term, or None.

    Values whose time, or whose distance to the decision, is not known count where there is none
    with a time: the last of them in the order of the source.

    Args:
        measured: usable values of one term, as `by_term` gives them.
        decision: of the case, or None.
        hours: how long before the decision a value may have been taken.
    """
    aged = [(_age(item.time, decision), item) for item in measured]
    inside = [
        (age, item) for age, item in aged if age is not None and age <= timedelta(hours=hours)
    ]
    if inside:
        return min(inside, key=lambda pair: pair[0])[1]
    untimed = [item for age, item in aged if age is None]
    return untimed[-1] if untimed else None


def _age(time: datetime | None, decision: datetime | None) -> timedelta | None:
    if time is None or decision is None or (time.tzinfo is None) != (decision.tzinfo is None):
        return None
    return decision - time
