"""Likelihood of the signs that history and notes report, with the signs themselves summed out.

Whether a sign is there is never known; what is coded and what is told depend on it and on nothing
else. Signs that depend on other signs (ankle oedema on leg swelling) are summed over together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

import numpy as np
from scipy.special import ndtr

from clinical.case.shapes import Event
from pipelines.laboratory.oracle.factors import Factor, spared
from pipelines.laboratory.oracle.importance_sampling import People
from pipelines.laboratory.oracle.sets import ConditionSets, Floats
from pipelines.laboratory.simulate import history, notes
from pipelines.laboratory.simulate.clinic import DAYS, DAYS_MOST, DAYS_SPREAD
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.notes import Report


@dataclass(frozen=True)
class Heard:
    """Likelihoods of what is written of one sign, if it is not and if it is there."""

    absent: float = 1.0
    present: float = 1.0

    def and_also(self, other: Heard) -> Heard:
        """Both pieces of evidence."""
        return Heard(self.absent * other.absent, self.present * other.present)

    @property
    def tells_nothing(self) -> bool:
        """Whether it is as likely either way."""
        return self.absent == self.present


def from_report(report: Report, table: Likelihoods) -> dict[str, Heard]:
    """What a note says of each sign."""
    heard = {}
    for key in table.signs:
        if key in report.present:
            heard[key] = Heard(notes.MISHEARD, notes.TOLD)
        elif key in report.absent:
            heard[key] = Heard(notes.DENIED, 0.0)
        else:
            heard[key] = Heard(1 - notes.MISHEARD - notes.DENIED, 1 - notes.TOLD)
    return heard


def from_events(events: Sequence[Event], table: Likelihoods, coding: float) -> dict[str, Heard]:
    """What the coded history says of each sign."""
    stated = {event.code: event.present for event in events}
    there = history.coded(history.SYMPTOM_CODED, coding)
    not_there = history.coded(history.ABSENCE_CODED, coding)
    heard = {}
    for key, sign in table.signs.items():
        if not sign.code:
            continue
        if sign.code not in stated:
            heard[key] = Heard(1 - not_there, 1 - there)
        else:
            heard[key] = Heard(0.0, there) if stated[sign.code] else Heard(not_there, 0.0)
    return heard


def days_coded(events: Sequence[Event], decision_time: datetime, table: Likelihoods) -> int | None:
    """Days since the onset of the complaint, if a coded symptom has it."""
    codes = {sign.code for sign in table.signs.values() if sign.code}
    for event in events:
        if event.code in codes and event.onset is not None:
            return (decision_time.date() - event.onset.date()).days
    return None


def from_duration(days: int) -> Heard:
    """What the duration of the complaint says of a sudden onset."""
    return Heard(_days_likelihood(days, DAYS[False]), _days_likelihood(days, DAYS[True]))


def _days_likelihood(days: int, median: float) -> float:
    """Probability of so many full days; log-normal, the longest are one class."""
    low = float(ndtr(np.log(days / median) / DAYS_SPREAD)) if days > 0 else 0.0
    high = float(ndtr(np.log((days + 1) / median) / DAYS_SPREAD)) if days < DAYS_MOST else 1.0
    return high - low


def merged(*sources: Mapping[str, Heard]) -> dict[str, Heard]:
    """All that is said of each sign."""
    together: dict[str, Heard] = {}
    for source in sources:
        for key, heard in source.items():
            together[key] = together.get(key, Heard()).and_also(heard)
    return together


def factors(
    heard: Mapping[str, Heard], table: Likelihoods, sets: ConditionSets, people: People
) -> list[Factor]:
    """One factor for each group of signs that hang together."""
    return [
        _factor(signs, heard, table, sets, people)
        for signs in _families(table)
        if any(not heard.get(key, Heard()).tells_nothing for key in signs)
    ]


def _families(table: Likelihoods) -> list[tuple[str, ...]]:
    """Signs grouped with those they depend on, in table order."""
    family: dict[str, tuple[str, ...]] = {}
    for key, sign in table.signs.items():
        parents = {name for name in sign.given if name in family}
        joined = {member for name in parents for member in family[name]} | {key}
        ordered = tuple(name for name in table.signs if name in joined)
        family.update(dict.fromkeys(ordered, ordered))
    return list(dict.fromkeys(family.values()))


def _factor(
    signs: tuple[str, ...],
    heard: Mapping[str, Heard],
    table: Likelihoods,
    sets: ConditionSets,
    people: People,
) -> Factor:
    causes = {name for key in signs for name in table.signs[key].given}
    names, groups, rows = sets.group(causes)
    unhelped = [
        spared(table.signs[key].base, table.signs[key].given, names, groups, people, graded=True)
        for key in signs
    ]
    if len(signs) == 1:
        said = heard[signs[0]]
        missing = np.exp(unhelped[0])
        with np.errstate(divide="ignore"):
            single = np.log(said.present + missing * (said.absent - said.present))
        return Factor(signs[0], single, rows)
    total: Floats | float = 0.0
    for states in product((False, True), repeat=len(signs)):
        there = {key for key, state in zip(signs, states, strict=True) if state}
        likelihood: Floats | float = 1.0
        for key, state, absent in zip(signs, states, unhelped, strict=True):
            parents = [p for name, p in table.signs[key].given.items() if name in there]
            missing = np.exp(absent) * np.prod([1 - p for p in parents])
            said = heard.get(key, Heard())
            likelihood = likelihood * (
                (1 - missing) * said.present if state else missing * said.absent
            )
        total = total + likelihood
    with np.errstate(divide="ignore"):
        return Factor("+".join(signs), np.asarray(np.log(total)), rows)
