"""The coded history of a visit: background and symptoms in ICD-10, drugs in ATC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np
from scipy.special import expit, logit

from clinical.case.shapes import Event
from pipelines.laboratory.simulate.likelihoods import Background, Likelihoods
from pipelines.laboratory.simulate.person import Person

SYMPTOM_CODED = 0.5
"""Probability that a symptom that is there is coded at triage."""

ABSENCE_CODED = 0.10
"""Probability that a symptom that is not there is coded as absent."""

HABIT_CODED = 0.6
"""Probability that smoking, now or once, is coded, and so for obesity (BMI 30 kg/m2 or more)."""

CURRENT_SMOKER = 0.45
"""Share of those ever smokers who are coded as smoking now."""

OBESE = 30.0
"""Body mass index, kg/m2, from which on obesity may be coded."""

FORMER_CODE, CURRENT_CODE, OBESITY_CODE = "Z87.8", "Z72.0", "E66.9"


def draw_events(
    rng: np.random.Generator,
    person: Person,
    signs: Collection[str],
    days: int,
    decision_time: datetime,
    table: Likelihoods,
    coding: float = 0.0,
) -> tuple[Event, ...]:
    """Draw what is coded of what is so; coding is incomplete, and onsets are often unknown.

    Args:
        rng: source of randomness.
        person: the patient.
        signs: keys of the signs that are there.
        days: since when the complaint lasts.
        decision_time: all onsets are before it.
        table: codes and coding habits.
        coding: the hospital's diligence, log odds added to every probability of being coded.
    """
    events: dict[str, Event] = {}
    for key, illness in table.background.items():
        if key not in person.background:
            continue
        if rng.random() < coded(illness.recorded, coding):
            onset = _onset(rng, illness, person, decision_time)
            events[illness.code] = Event(illness.code, illness.display, onset)
        for code, name, share in illness.drugs:
            if rng.random() < coded(share, coding):
                events.setdefault(code, Event(code, name))
    symptoms = _symptoms(rng, signs, days, decision_time, table, coding)
    for event in [*_habits(rng, person, coding), *symptoms]:
        events.setdefault(event.code, event)
    return tuple(events.values())


def coded(probability: float, coding: float) -> float:
    """Probability of being coded where the hospital's diligence is `coding` (log odds)."""
    return float(expit(logit(probability) + coding))


def _onset(
    rng: np.random.Generator, illness: Background, person: Person, decision_time: datetime
) -> datetime | None:
    if rng.random() < 0.35:
        return None
    longest = 0.08 if illness.recent else min(max(person.age_years - 18, 0.5), 20.0)
    years = float(rng.uniform(0.02, longest))
    return _midnight(decision_time - timedelta(days=365.25 * years))


def _habits(rng: np.random.Generator, person: Person, coding: float) -> list[Event]:
    habits = []
    chance = coded(HABIT_CODED, coding)
    if person.pack_years > 0 and rng.random() < chance:
        current = rng.random() < CURRENT_SMOKER
        code, display = (CURRENT_CODE, "Tobacco use") if current else (FORMER_CODE, "Former smoker")
        habits.append(Event(code, display))
    if person.bmi >= OBESE and rng.random() < chance:
        habits.append(Event(OBESITY_CODE, "Obesity"))
    return habits


def _symptoms(
    rng: np.random.Generator,
    signs: Collection[str],
    days: int,
    decision_time: datetime,
    table: Likelihoods,
    coding: float,
) -> list[Event]:
    events = []
    present, absent = coded(SYMPTOM_CODED, coding), coded(ABSENCE_CODED, coding)
    onset = _midnight(decision_time - timedelta(days=days))
    for key, sign in table.signs.items():
        chance = rng.random()
        if not sign.code:
            continue
        if key in signs and chance < present:
            events.append(Event(sign.code, sign.display, onset))
        elif key not in signs and chance < absent:
            events.append(Event(sign.code, sign.display, present=False))
    return events


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
