"""The admission note of a visit: complaint, history, background, family, examination, plan.

First it is drawn what the note says, a `Report`; then the words are chosen, from the report alone
and from randomness that does not look at the patient. So the report is a sufficient statistic of
the text: whoever has understood the note knows the report, and can know no more.

Written from what the patient reports and what the examination finds, never from the diagnoses: with
paraphrase, negation, hedging, omissions, irrelevance, abbreviations and typing errors. A hedge is a
manner of writing, as likely before a sign that is there as before one that was misheard. A
diagnosis is named only as past, in the family, denied, or in a differential drawn without looking
at the truth.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clinical.case.shapes import Sex, Text
from pipelines.laboratory.simulate.examination import Side
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.person import Person

PHRASES = Path(__file__).with_name("phrases.toml")

TOLD = 0.82
"""Probability that a sign that is there reaches the note."""

DENIED = 0.22
"""Probability that a sign that is not there is written down as absent."""

MISHEARD = 0.015
"""Probability that a sign that is not there is written down as present."""


BACKGROUND_TOLD = 0.8
"""Probability that a background illness that is there is named in the past history."""

BACKGROUND_DENIED = 0.15
"""Probability that one that is not there is denied, if the phrase book has words for it."""

SMOKING_TOLD = 0.7
"""Probability of a line on smoking."""

SIDE_RIGHT = 0.93
"""Probability that the writer has the side of a one-sided illness right."""


@dataclass(frozen=True)
class Story:
    """What the writer of the note could know.

    Attributes:
        person: the patient.
        signs: keys of the signs that are there.
        side: of a one-sided illness.
        days: since when, 0 is today.
    """

    person: Person
    signs: Collection[str]
    side: Side
    days: int


@dataclass(frozen=True)
class Report:
    """What a note says, whatever the words.

    Attributes:
        sex, age_years: of the patient, as stated in the complaint.
        days: since when, 0 is today; stated in the complaint.
        side: on which one-sided signs are told to be; not in every note.
        present, absent: keys of the signs told as there and as not there. The complaint names one
            or two of `present`, so it says nothing new.
        background: keys of the illnesses named in the past history.
        denied: keys of the illnesses that the patient is said not to have had.
        pack_years: as stated, 0 for never smoked; None without a line on smoking.
    """

    sex: Sex
    age_years: int
    days: int
    side: Side
    present: frozenset[str]
    absent: frozenset[str]
    background: frozenset[str]
    denied: frozenset[str]
    pack_years: int | None


@lru_cache(maxsize=1)
def phrases() -> Mapping[str, Any]:
    """The phrase book, `phrases.toml`."""
    return tomllib.loads(PHRASES.read_text(encoding="utf-8"))


def draw_report(rng: np.random.Generator, story: Story, table: Likelihoods) -> Report:
    """Draw what the note of this patient says."""
    person = story.person
    present, absent = set(), set()
    for key in table.signs:
        chance, there = rng.random(), key in story.signs
        if chance < (TOLD if there else MISHEARD):
            present.add(key)
        elif not there and chance < MISHEARD + DENIED:
            absent.add(key)
    named, denied = set(), set()
    for key in table.background:
        chance = rng.random()
        if key in person.background and chance < BACKGROUND_TOLD:
            named.add(key)
        elif key not in person.background and chance < BACKGROUND_DENIED and key in deniable():
            denied.add(key)
    smoking = rounded_pack_years(person.pack_years) if rng.random() < SMOKING_TOLD else None
    wrong: Side = "left" if story.side == "right" else "right"
    return Report(
        sex=person.sex,
        age_years=int(person.age_years),
        days=story.days,
        side=story.side if rng.random() < SIDE_RIGHT else wrong,
        present=frozenset(present),
        absent=frozenset(absent),
        background=frozenset(named),
        denied=frozenset(denied),
        pack_years=smoking,
    )


def deniable() -> frozenset[str]:
    """Keys of the background illnesses that the phrase book can deny."""
    return frozenset(phrases()["denied"])


def rounded_pack_years(pack_years: float) -> int:
    """Pack-years as a note states them: 0, or a multiple of 5 that is not 0."""
    return max(5, 5 * round(pack_years / 5)) if pack_years > 0 else 0


def write_note(
    rng: np.random.Generator,
    report: Report,
    table: Likelihoods,
    decision_time: datetime,
    abbreviates: float,
) -> tuple[Text, ...]:
    """Write the sections of one admission note.

    Args:
        rng: the writer's choice of words.
        report: what to say.
        table: which signs are symptoms and which are findings of the examination.
        decision_time: the note is written in the three hours before.
        abbreviates: probability that the writer uses an abbreviation he knows.
    """
    pen = _Pen(rng, report, decision_time.year, abbreviates)
    time = decision_time - timedelta(minutes=int(rng.integers(10, 180)))
    sections = {
        "presenting_complaint": _complaint(pen, table),
        "history_of_presenting_illness": _history(pen, table),
        "past_history": _past(pen, table),
        "family_history": [_pick(rng, phrases()["family"]["lines"])] if rng.random() < 0.6 else [],
        "examination": _examination(pen, table),
        "plan": _plan(pen),
    }
    return tuple(
        Text(name, pen.finish(" ".join(sentences)), time)
        for name, sentences in sections.items()
        if sentences
    )


@dataclass(frozen=True)
class _Pen:
    """One writer's hand for one report."""

    rng: np.random.Generator
    report: Report
    year: int
    abbreviates: float

    def fill(self, phrase: str) -> str:
        """Put side, duration and a past year into a phrase."""
        year = self.year - int(self.rng.integers(1, 14))
        days = _duration(self.rng, self.report.days)
        return phrase.format(side=self.report.side, days=days, year=year)

    def hedge(self, phrase: str, words: str) -> str:
        """Now and then cast doubt on a phrase."""
        if self.rng.random() >= 0.12:
            return phrase
        return f"{_pick(self.rng, phrases()['opening'][words])} {phrase}"

    def finish(self, text: str) -> str:
        """Abbreviate and mistype, as hurried people do."""
        for long, short in phrases()["abbreviations"].items():
            if self.rng.random() < self.abbreviates:
                text = re.sub(rf"\b{long}\b", short, text)
        return _mistyped(self.rng, text) if self.rng.random() < 0.2 else text


def _complaint(pen: _Pen, table: Likelihoods) -> list[str]:
    rng, report = pen.rng, pen.report
    told = [
        _pick(rng, phrases()["signs"][key]["complaint"])
        for key in _shuffled(rng, table.signs)
        if key in report.present and "complaint" in phrases()["signs"][key]
    ]
    unwell = _pick(rng, phrases()["opening"]["unwell"])
    named = told[: 1 + int(rng.random() < 0.5)] or [unwell]
    age, sex = report.age_years, report.sex
    who = _pick(
        rng,
        [f"{age}{sex[0].upper()}", f"{age} year old {sex}", f"{sex}, {age} y", f"{age}yo {sex}"],
    )
    since = pen.fill(_pick(rng, phrases()["opening"]["onset"]))
    sentence = f"{who[0].upper()}{who[1:]}, {' and '.join(named)}, {since}."
    arrival = f"{_pick(rng, phrases()['opening']['arrival'])}."
    return [sentence, arrival] if rng.random() < 0.5 else [sentence]


def _history(pen: _Pen, table: Likelihoods) -> list[str]:
    rng = pen.rng
    present, absent = _told(pen, table, "symptom")
    present = [pen.hedge(phrase, "hedges") for phrase in present]
    lines = [*_sentences(rng, present, 2), *_sentences(rng, absent, 3)]
    if rng.random() < 0.6:
        vague = _pick(rng, phrases()["opening"]["vague"])
        lines.insert(int(rng.integers(0, len(lines) + 1)), vague)
    return lines or ["Unable to give a history."]


def _examination(pen: _Pen, table: Likelihoods) -> list[str]:
    rng = pen.rng
    present, absent = _told(pen, table, "finding")
    present = [pen.hedge(phrase, "doubts") for phrase in present]
    lines = [*_sentences(rng, present, 2), *_sentences(rng, absent, 3)]
    return [_pick(rng, phrases()["opening"]["general"]), *lines]


def _told(pen: _Pen, table: Likelihoods, kind: str) -> tuple[list[str], list[str]]:
    """Phrases of the signs told as present and as absent, in no fixed order."""
    present, absent = [], []
    for key in _shuffled(pen.rng, table.signs):
        if table.signs[key].kind != kind:
            continue
        words = phrases()["signs"][key]
        if key in pen.report.present:
            present.append(pen.fill(_pick(pen.rng, words["present"])))
        elif key in pen.report.absent:
            absent.append(_pick(pen.rng, words["absent"]))
    return present, absent


def _past(pen: _Pen, table: Likelihoods) -> list[str]:
    rng, report = pen.rng, pen.report
    book = phrases()
    order = _shuffled(rng, table.background)
    items = [
        pen.fill(_pick(rng, book["background"][key])) for key in order if key in report.background
    ]
    items += [_pick(rng, book["denied"][key]) for key in order if key in report.denied]
    lines = _sentences(rng, items, 4) or [_pick(rng, book["opening"]["healthy"])]
    if report.pack_years is not None:
        lines.append(_smoking(rng, report.pack_years))
    return lines


def _smoking(rng: np.random.Generator, amount: int) -> str:
    if amount == 0:
        return _pick(rng, ["Never smoked.", "Non-smoker.", "Lifelong non-smoker."])
    manners = ["Smoker, about {} pack years.", "Ex-smoker, {} PY.", "Smoking: {} PY in all."]
    return _pick(rng, manners).format(amount)


def _plan(pen: _Pen) -> list[str]:
    lines = phrases()["differential"]["lines"]
    count = int(pen.rng.integers(0, 3))
    return [lines[int(i)] for i in pen.rng.choice(len(lines), size=count, replace=False)]


def _sentences(rng: np.random.Generator, parts: Sequence[str], most: int) -> list[str]:
    """Join phrases into sentences of up to `most` phrases."""
    sentences, rest = [], list(parts)
    while rest:
        size = int(rng.integers(1, most + 1))
        joined = ", ".join(rest[:size])
        sentences.append(f"{joined[0].upper()}{joined[1:]}.")
        rest = rest[size:]
    return sentences


def _duration(rng: np.random.Generator, days: int) -> str:
    if days == 0:
        return _pick(rng, ["a few hours", "some hours", "6 h"])
    if days == 1:
        return _pick(rng, ["one day", "1 day", "24 h", "a day"])
    return _pick(rng, [f"{days} days", f"{days}/7", f"about {days} days"])


def _mistyped(rng: np.random.Generator, text: str) -> str:
    """Swap two inner letters of one longer word."""
    words = list(re.finditer(r"[a-z]{6,}", text))
    if not words:
        return text
    word = words[int(rng.integers(len(words)))]
    at = word.start() + int(rng.integers(1, len(word.group()) - 2))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _shuffled(rng: np.random.Generator, keys: Collection[str]) -> list[str]:
    return [str(key) for key in rng.permutation(list(keys))]
