"""What rules, guards and comparators may know of a coded history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from clinical.case.shapes import Event, Events, Sex
from clinical.modalities.kit import Person

_EVENT = Event("", "")


def coded(value: Events) -> Sequence[Event]:
    """The events themselves."""
    return value.items


def times(value: Events) -> Sequence[datetime | None]:
    """When each began."""
    return [event.onset for event in value.items]


def person(value: Events) -> Person:
    """Age and sex."""
    return Person(value.age_years, value.sex)


def stated(value: Events) -> Sequence[str]:
    """Which of age and sex are given."""
    known = {"age": value.age_years, "sex": value.sex}
    return [name for name, given in known.items() if given is not None]


def columns(value: Events) -> Mapping[str, float]:
    """Code to 1 if present and 0 if denied; "age" in years; "female" as 1 or 0."""
    row = {event.code: float(event.present) for event in value.items}
    if value.age_years is not None:
        row["age"] = value.age_years
    if value.sex is not None:
        row["female"] = float(value.sex == "female")
    return row


def summary(value: Events) -> tuple[int, float | None, Sex | None]:
    """Number of events, age and sex."""
    return len(value.items), value.age_years, value.sex


def stand_in(count: int, age_years: float | None, sex: Sex | None) -> Events:
    """So many events of the same person."""
    return Events((_EVENT,) * count, age_years, sex)
