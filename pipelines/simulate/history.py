"""The coded history of a visit: background and symptoms in ICD-10, drugs in ATC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np

from clinical.case import Event
from pipelines.simulate.likelihoods import Background, Likelihoods
from pipelines.simulate.person import Person

SYMPTOM_CODED = 0.5
"""Probability that a symptom that is there is coded at triage."""

ABSENCE_CODED = 0.10
"""Probability that a symptom that is not there is coded as absent."""


def draw_events(
    rng: np.random.Generator,
    person: Person,
    signs: Collection[str],
    days: int,
    decision_time: datetime,
    table: Likelihoods,
) -> tuple[Event, ...]:
    """Draw what is coded of what is so; coding is incomplete, and onsets are often unknown.

    Args:
        rng: source of randomness.
        person: the patient.
        signs: keys of the signs that are there.
        days: since when the complaint lasts.
        decision_time: all onsets are before it.
        table: codes and coding habits.
    """
    events: dict[str, Event] = {}
    for key, illness in table.background.items():
        if key not in person.background:
            continue
        if rng.random() < illness.recorded:
            onset = _onset(rng, illness, person, decision_time)
            events[illness.code] = Event(illness.code, illness.display, onset)
        for code, name, share in illness.drugs:
            if rng.random() < share:
                events.setdefault(code, Event(code, name))
    for event in [*_habits(rng, person), *_symptoms(rng, signs, days, decision_time, table)]:
        events.setdefault(event.code, event)
    return tuple(events.values())


def _onset(
    rng: np.random.Generator, illness: Background, person: Person, decision_time: datetime
) -> datetime | None:
    if rng.random() < 0.35:
        return None
    longest = 0.08 if illness.recent else min(max(person.age_years - 18, 0.5), 20.0)
    years = float(rng.uniform(0.02, longest))
    return _midnight(decision_time - timedelta(days=365.25 * years))


def _habits(rng: np.random.Generator, person: Person) -> list[Event]:
    habits = []
    if person.pack_years > 0 and rng.random() < 0.6:
        current = rng.random() < 0.45
        code, display = ("Z72.0", "Tobacco use") if current else ("Z87.8", "Former smoker")
        habits.append(Event(code, display))
    if person.bmi >= 30 and rng.random() < 0.6:
        habits.append(Event("E66.9", "Obesity"))
    return habits


def _symptoms(
    rng: np.random.Generator,
    signs: Collection[str],
    days: int,
    decision_time: datetime,
    table: Likelihoods,
) -> list[Event]:
    coded = []
    onset = _midnight(decision_time - timedelta(days=days))
    for key, sign in table.signs.items():
        chance = rng.random()
        if not sign.code:
            continue
        if key in signs and chance < SYMPTOM_CODED:
            coded.append(Event(sign.code, sign.display, onset))
        elif key not in signs and chance < ABSENCE_CODED:
            coded.append(Event(sign.code, sign.display, present=False))
    return coded


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
