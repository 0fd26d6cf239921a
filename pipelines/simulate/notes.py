"""The admission note of a visit: complaint, history, background, family, examination, plan.

Written from what the patient reports and what the examination finds, never from the diagnoses: with
paraphrase, negation, hedging, omissions, abbreviations and typing errors. A diagnosis is named only
as past, in the family, denied, or in a differential drawn without looking at the truth.
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

from clinical.case import Text
from pipelines.simulate.examination import Side
from pipelines.simulate.likelihoods import Likelihoods
from pipelines.simulate.person import Person

PHRASES = Path(__file__).with_name("phrases.toml")

TOLD = 0.82
"""Probability that a sign that is there reaches the note."""

DENIED = 0.22
"""Probability that a sign that is not there is written down as absent."""

MISHEARD = 0.015
"""Probability that a sign that is not there is written down as present."""


@dataclass(frozen=True)
class Story:
    """What the writer of the note could know.

    Attributes:
        person: the patient.
        signs: keys of the signs that are there.
        side: of a one-sided illness.
        days: since when, 0 is today.
        site: hospital; "B" abbreviates more.
        decision_time: the note is written in the hours before.
    """

    person: Person
    signs: Collection[str]
    side: Side
    days: int
    site: str
    decision_time: datetime


@lru_cache(maxsize=1)
def phrases() -> Mapping[str, Any]:
    """The phrase book, `phrases.toml`."""
    return tomllib.loads(PHRASES.read_text(encoding="utf-8"))


def write_note(rng: np.random.Generator, story: Story, table: Likelihoods) -> tuple[Text, ...]:
    """Write the sections of one admission note."""
    pen = _Pen(rng, story)
    time = story.decision_time - timedelta(minutes=int(rng.integers(10, 180)))
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
    """One writer's hand for one patient."""

    rng: np.random.Generator
    story: Story

    def fill(self, phrase: str) -> str:
        """Put side, duration and a year into a phrase."""
        side = self.story.side if self.rng.random() < 0.93 else "left"
        year = self.story.decision_time.year - int(self.rng.integers(1, 14))
        return phrase.format(side=side, days=_duration(self.rng, self.story.days), year=year)

    def finish(self, text: str) -> str:
        """Abbreviate and mistype, as hurried people do."""
        share = 0.7 if self.story.site == "B" else 0.3
        for long, short in phrases()["abbreviations"].items():
            if self.rng.random() < share:
                text = re.sub(rf"\b{long}\b", short, text)
        return _mistyped(self.rng, text) if self.rng.random() < 0.2 else text


def _complaint(pen: _Pen, table: Likelihoods) -> list[str]:
    rng, story = pen.rng, pen.story
    told = [
        _pick(rng, phrases()["signs"][key]["complaint"])
        for key in _shuffled(rng, table.signs)
        if key in story.signs and "complaint" in phrases()["signs"][key]
    ]
    named = told[: 1 + int(rng.random() < 0.5)] or ["feeling unwell"]
    age = f"{int(story.person.age_years)}"
    who = _pick(rng, [f"{age}{story.person.sex[0].upper()}", f"{age} year old {story.person.sex}"])
    since = pen.fill(_pick(rng, phrases()["opening"]["onset"]))
    sentence = f"{who}, {' and '.join(named)}, {since}."
    arrival = f"{_pick(rng, phrases()['opening']['arrival'])}."
    return [sentence, arrival] if rng.random() < 0.5 else [sentence]


def _history(pen: _Pen, table: Likelihoods) -> list[str]:
    rng = pen.rng
    present, absent = _told(pen, table, "symptom")
    hedges = phrases()["opening"]["hedges"]
    present = [
        f"{_pick(rng, hedges)} {phrase}" if rng.random() < 0.12 else phrase for phrase in present
    ]
    lines = [*_sentences(rng, present, 2), *_sentences(rng, absent, 3)]
    if rng.random() < 0.6:
        lines.insert(
            int(rng.integers(0, len(lines) + 1)), _pick(rng, phrases()["opening"]["vague"])
        )
    return lines or ["Unable to give a history."]


def _examination(pen: _Pen, table: Likelihoods) -> list[str]:
    rng = pen.rng
    present, absent = _told(pen, table, "finding")
    lines = [*_sentences(rng, present, 2), *_sentences(rng, absent, 3)]
    return [_pick(rng, phrases()["opening"]["general"]), *lines]


def _told(pen: _Pen, table: Likelihoods, kind: str) -> tuple[list[str], list[str]]:
    """Phrases of signs written as present and as absent, in no fixed order."""
    present, absent = [], []
    for key in _shuffled(pen.rng, table.signs):
        if table.signs[key].kind != kind:
            continue
        chance, words = pen.rng.random(), phrases()["signs"][key]
        if chance < (TOLD if key in pen.story.signs else MISHEARD):
            present.append(pen.fill(_pick(pen.rng, words["present"])))
        elif key not in pen.story.signs and chance < MISHEARD + DENIED:
            absent.append(_pick(pen.rng, words["absent"]))
    return present, absent


def _past(pen: _Pen, table: Likelihoods) -> list[str]:
    rng, person = pen.rng, pen.story.person
    book = phrases()
    items = [
        pen.fill(_pick(rng, book["background"][key]))
        for key in _shuffled(rng, table.background)
        if key in person.background and rng.random() < 0.8
    ]
    items += [
        _pick(rng, lines)
        for key, lines in book["denied"].items()
        if key not in person.background and rng.random() < 0.15
    ]
    lines = _sentences(rng, items, 4) or ["No regular medical problems."]
    if rng.random() < 0.7:
        lines.append(_smoking(rng, person))
    return lines


def _smoking(rng: np.random.Generator, person: Person) -> str:
    if person.pack_years == 0:
        return _pick(rng, ["Never smoked.", "Non-smoker."])
    amount = max(5, 5 * round(person.pack_years / 5))
    return _pick(rng, [f"Smoker, about {amount} pack years.", f"Ex-smoker, {amount} PY."])


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
