"""What becomes a case: from what is known of a patient, the rules and the time, and nothing else.

A case is one study of the chest and what was known when it was taken. Two moments bound it:

- the *cut*, when the last of its films was taken (or arrived) plus what the rules add. Nothing in
  the case is true later: no specimen is of later, no text was written and no diagnosis recorded.
- the *decision*, at or after the cut. Nothing in the case was told later. It is the cut, unless a
  result of a specimen that was taken before the cut is told after it: the decision is then the
  moment at which the last such result was told. Whoever reads the case knows it by then; what was
  written after the film, such as its own report, still is no part of it.

Everything follows from what is known, and not from the order in which it arrived, but for one
thing: what arrives more than `late_hours` after the first film of a case is left out of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

from clinical.cohorts import entered
from clinical.exchange import films_of_cases, matching
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.facts import (
    Fact,
    HistoryFact,
    MeasurementFact,
    NoteFact,
    PatientIdentifier,
)
from clinical.exchange.films_of_cases import TAKEN_LATER, TOO_OLD, Study
from clinical.exchange.known import Film, Heard, Known
from clinical.exchange.matching import Merged
from clinical.terms import loinc, shown

_Kind = TypeVar("_Kind", MeasurementFact, HistoryFact, NoteFact)

RANK = {"preliminary": 0, "final": 1, "corrected": 2, "cancelled": 3}
"""Of two versions that were told at one moment the later one."""

TOLD_LATER = "told after the decision"
CANCELLED = "cancelled by their sender"
TOO_LATE = "arrived too late"


@dataclass(frozen=True)
class Draft:
    """A case to be made.

    Attributes:
        key: of the case, to `Chart.case_name`; the same however often it is drafted.
        patient: as the case carries it.
        opened: when the first of its films arrived.
        cut, decision: see above.
        films: to be read; the order is the reader's affair.
        recordings: electrocardiograms, the earliest first.
        priors: of earlier visits.
        measurements, history, notes: in order of time.
        sex: as received, or "".
        birth_date: or None.
        left_out: what was not taken, why, and how many of it.
    """

    key: str
    patient: str
    opened: datetime
    cut: datetime
    decision: datetime
    films: tuple[Film, ...]
    priors: tuple[Film, ...] = ()
    recordings: tuple[Film, ...] = ()
    measurements: tuple[MeasurementFact, ...] = ()
    history: tuple[HistoryFact, ...] = ()
    notes: tuple[NoteFact, ...] = ()
    sex: str = ""
    birth_date: date | None = None
    left_out: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A case that is not made yet."""

    key: str
    until: datetime
    why: str


@dataclass(frozen=True)
class LeftOut:
    """Films that make no case, and why."""

    key: str
    why: str


@dataclass(frozen=True)
class Plan:
    """What is to be done about one study.

    Attributes:
        outcome: what becomes of it.
        again: when something that is known already will change it, or None.
    """

    outcome: Draft | Waiting | LeftOut
    again: datetime | None = None


@dataclass(frozen=True)
class _Version:
    """One thing that a message said, and when that was known."""

    fact: Fact
    known: datetime
    heard: Heard

    @property
    def order(self) -> tuple[datetime, int, datetime, str]:
        """Later is newer; what arrived later decides only where nothing else does."""
        return self.known, RANK[self.fact.status], self.heard.arrived, self.heard.message


def plans(known: Known, rules: Rules, now: datetime) -> tuple[Plan, ...]:
    """What is to be done about each study in what is known."""
    studies = films_of_cases.studies(known.films, rules)
    found = []
    for study in studies:
        merged = _merged(known, study.opened + rules.late, rules)
        who = _patient(study.films[0], merged, rules)
        heard = [h for h in known.heard if _is_of(h, who, merged, rules)]
        own = [
            film
            for film in {f.digest: f for f in (*_shown(studies), *_recorded(known))}.values()
            if _patient(film, merged, rules) == who
        ]
        found.append(_plan(study, who, heard, own, rules, now))
    return tuple(sorted(found, key=lambda plan: plan.outcome.key))


def _shown(studies: Iterable[Study]) -> Iterable[Film]:
    return (film for study in studies for film in study.films)


def _recorded(known: Known) -> Iterable[Film]:
    return (film for film in known.films if film.is_ecg)


def _merged(known: Known, until: datetime, rules: Rules) -> Merged:
    """Which numbers were known to be one patient by then."""
    timely = (h for h in known.heard if h.arrived <= until)
    return Merged(((merge, h.sender) for h in timely for merge in h.told.merges), rules)


def _patient(film: Film, merged: Merged, rules: Rules) -> PatientIdentifier:
    return merged.patient(matching.resolved(film.number, film.sender, rules))


def _is_of(heard: Heard, who: PatientIdentifier, merged: Merged, rules: Rules) -> bool:
    number = matching.whose(heard.told.person, heard.sender, rules)
    return number is not None and merged.patient(number) == who


def _plan(
    study: Study,
    who: PatientIdentifier,
    heard: Sequence[Heard],
    own: Sequence[Film],
    rules: Rules,
    now: datetime,
) -> Plan:
    ready = study.opened + timedelta(seconds=rules.wait_seconds)
    if study.why:
        return Plan(LeftOut(study.key, study.why))
    timely = [film for film in study.films if film.arrived <= study.opened + rules.late]
    moments = [moment for film in timely if (moment := study.moments.get(film.digest))]
    cut = max(moments) + timedelta(minutes=rules.decision_minutes)
    if now < ready:
        return Plan(Waiting(study.key, ready, "for other views"), ready)
    # The clock of a device may be ahead of ours; nobody waits for that.
    due = cut if rules.decision_minutes else cut - entered.AHEAD
    if now < due:
        return Plan(Waiting(study.key, due, "for the time of the decision"), due)
    told = [h for h in heard if h.arrived <= study.opened + rules.late]
    gathered = _Gathered(cut, rules, now, told)
    late = [h for h in heard if h.arrived > study.opened + rules.late]
    sex, born = _person(told, study.films[0])
    priors = films_of_cases.priors(study, own, rules)
    left = gathered.left_out + _too_late(late, cut, rules)
    left += Counter({("films", TOO_LATE): len(study.films) - len(timely)})
    recordings, others = films_of_cases.recordings(study, cut, own, rules)
    left += Counter({("electrocardiograms", why): count for why, count in others.items()})
    draft = Draft(
        study.key,
        matching.shown(who, rules),
        study.opened,
        cut,
        gathered.decision,
        tuple(film for film in timely if not film.is_ecg),
        priors,
        recordings,
        _of(gathered.taken, MeasurementFact, lambda f: f.time),
        _of(gathered.taken, HistoryFact, lambda f: f.onset or f.recorded or study.opened),
        _of(gathered.taken, NoteFact, lambda f: f.time),
        sex,
        born,
        tuple((what, why, count) for (what, why), count in sorted(left.items()) if count),
    )
    return Plan(draft, gathered.again)


def timely(study: Study, heard: Iterable[Heard], rules: Rules) -> tuple[Heard, ...]:
    """The messages of its patient that arrived in time for the case of a study."""
    return tuple(h for h in heard if h.arrived <= study.opened + rules.late)


def told_of(study: Study, heard: Heard, rules: Rules) -> bool:
    """Whether a message tells something of within the windows of the case of a study."""
    if not study.moments:
        return False
    cut = max(study.moments.values()) + timedelta(minutes=rules.decision_minutes)
    return any(not _unfit(fact, cut, rules) for fact in heard.told.facts)


def _of(
    facts: Iterable[Fact], kind: type[_Kind], when: Callable[[_Kind], datetime]
) -> tuple[_Kind, ...]:
    """Facts of one kind in order of time."""
    found = [fact for fact in facts if isinstance(fact, kind)]
    return tuple(sorted(found, key=lambda fact: (when(fact), fact.identity)))


class _Gathered:
    """The facts of one case, and the moment by which all of them were known."""

    def __init__(self, cut: datetime, rules: Rules, now: datetime, heard: Sequence[Heard]) -> None:
        self.cut, self.rules = cut, rules
        things = versions(heard, rules)
        moving = self._moving(things)
        self.decision = max([cut, *(v.known for v in moving if v.known <= now)])
        self.again = min((v.known for v in moving if v.known > now), default=None)
        self.left_out: Counter[tuple[str, str]] = Counter()
        self.taken = [fact for thing in things.values() if (fact := self._taken(thing))]

    def _moving(self, things: Mapping[tuple[str, str], Sequence[_Version]]) -> list[_Version]:
        """What was told after the cut of specimens that were taken before it."""
        if self.rules.told_later != "new version":
            return []
        last = self.cut + self.rules.late
        return [
            version
            for thing in things.values()
            for version in thing
            if isinstance(version.fact, MeasurementFact)
            and self.cut < version.known <= last
            and not _unfit(version.fact, self.cut, self.rules)
        ]

    def _taken(self, thing: Sequence[_Version]) -> Fact | None:
        """What held of one thing at the decision; None where it is left out, which is counted."""
        limit = self.decision if isinstance(thing[0].fact, MeasurementFact) else self.cut
        held = [version for version in thing if version.known <= limit]
        fact = held[-1].fact if held else thing[-1].fact
        why = _unfit(fact, self.cut, self.rules)
        if not why and not held:
            why = TOLD_LATER
        if not why and fact.status == "cancelled":
            why = CANCELLED
        if why:
            self.left_out[name_of(fact), why] += 1
        return None if why else fact


def versions(heard: Iterable[Heard], rules: Rules) -> dict[tuple[str, str], list[_Version]]:
    """Each thing that was told, by its kind and identity, to all that was said of it in time.

    What only says the same again is no version: it was known when it was said first.
    """
    found: dict[tuple[str, str], list[_Version]] = {}
    for one in heard:
        for fact in one.told.facts:
            if fact.status != "preliminary" or rules.preliminary:
                version = _Version(fact, _known(fact, one), one)
                found.setdefault((name_of(fact), fact.identity), []).append(version)
    for thing in found.values():
        thing.sort(key=lambda version: version.order)
        said = [_said(version.fact) for version in thing]
        thing[:] = [v for at, v in enumerate(thing) if not at or said[at] != said[at - 1]]
    return found


def _said(fact: Fact) -> Fact:
    """What a fact says, whenever and wherever that was told."""
    plain = replace(fact, place="", status="cancelled" if fact.status == "cancelled" else "final")
    match plain:
        case MeasurementFact():
            return replace(plain, issued=None)
        case HistoryFact():
            return replace(plain, recorded=None)
        case NoteFact():
            return replace(plain, time=datetime.min)


def name_of(fact: Fact) -> str:
    """What a fact is, in the plural, as it is counted."""
    match fact:
        case MeasurementFact():
            return "results"
        case HistoryFact():
            return "items of history"
        case NoteFact():
            return "notes"


def _known(fact: Fact, heard: Heard) -> datetime:
    """When a fact was known to whoever it was told."""
    match fact:
        case MeasurementFact():
            return fact.issued or fact.time
        case HistoryFact():
            # When it began says nothing of when it was found, which may have been on this film.
            return fact.recorded or heard.arrived
        case NoteFact():
            return fact.time


def _unfit(fact: Fact, cut: datetime, rules: Rules) -> str:
    """Why a fact is not one of this case, whenever it was told, or ""."""
    match fact:
        case MeasurementFact():
            hours = rules.vital_hours if is_vital(fact) else rules.laboratory_hours
            return _outside(fact.time, cut, timedelta(hours=hours))
        case NoteFact():
            return _outside(fact.time, cut, timedelta(days=rules.note_days))
        case HistoryFact():
            if fact.onset and fact.onset > cut:
                return TAKEN_LATER
            since = timedelta(days=rules.history_days)
            return _outside(fact.recorded, cut, since) if fact.recorded else ""


def _outside(moment: datetime, cut: datetime, window: timedelta) -> str:
    if moment > cut:
        return TAKEN_LATER
    return TOO_OLD if window and moment < cut - window else ""


def is_vital(fact: MeasurementFact) -> bool:
    """Whether a measurement is a vital sign and no laboratory value."""
    found = next((t for t in map(loinc.lookup, (fact.code, fact.display)) if t), None)
    return found is not None and shown.groups().get(found.code) == "vital signs"


def _too_late(heard: Sequence[Heard], cut: datetime, rules: Rules) -> Counter[tuple[str, str]]:
    """What would have been of the case, had it arrived in time."""
    unfit = partial(_unfit, cut=cut, rules=rules)
    things = versions(heard, rules).values()
    fit = [name_of(thing[-1].fact) for thing in things if not unfit(thing[-1].fact)]
    return Counter((name, TOO_LATE) for name in fit)


def _person(heard: Sequence[Heard], film: Film) -> tuple[str, date | None]:
    """Sex and date of birth: what was said last, else what the film says."""
    people = [h.told.person for h in heard if h.told.person]
    sex = next((p.sex for p in reversed(people) if p.sex), film.identity.sex)
    born = next((p.birth_date for p in reversed(people) if p.birth_date), None)
    stated = film.identity.birth_date
    return sex, born or (date.fromisoformat(stated) if stated else None)
