"""What rules, guards and comparators may know of measured values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from clinical.case.shapes import Measurement, Measurements

_VALUE = Measurement("", "", 0.0, "", None, "", "")
_REFUSED = Measurement("", "", None, "", None, "", "")


def measured(value: Measurements) -> Sequence[Measurement]:
    """The values themselves."""
    return value.items


def usable(value: Measurements) -> int | None:
    """Values that could be normalised; None where none could, which is as good as absent."""
    return sum(item.value is not None for item in value.items) or None


def times(value: Measurements) -> Sequence[datetime | None]:
    """When each was measured."""
    return [item.time for item in value.items]


def stated(value: Measurements) -> Sequence[str]:
    """Codes of the usable values."""
    return [item.code for item in value.items if item.value is not None]


def columns(value: Measurements) -> Mapping[str, float]:
    """Code to value; of a repeated measurement the last one counts, and a bound as its limit."""
    timed = sorted(value.items, key=lambda m: (m.time is not None, m.time))
    return {item.code: item.value for item in timed if item.value is not None}


def thinned(value: Measurements, lost: Sequence[bool]) -> Measurements | None:
    """Without single values; None where no usable one is left."""
    kept = tuple(item for item, gone in zip(value.items, lost, strict=True) if not gone)
    if any(item.value is not None for item in kept):
        return replace(value, items=kept)
    return None


def summary(value: Measurements) -> Sequence[int]:
    """Number of usable values."""
    return [usable(value) or 0]


def stand_in(count: int) -> Measurements:
    """So many usable values, or one that was refused."""
    return Measurements((_VALUE,) * count or (_REFUSED,))
