"""What a sentence of a simulated note says of the patient.

The words were chosen from the report alone, so of each thing that the report says there is a phrase
of the phrase book in some sentence. Phrases are looked for the longest first, and what was found is
struck out, so that "cough" is not found in "coughing up blood". Abbreviations and the slips of a
hurried writer (two inner letters of a word exchanged) are read through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.laboratory.simulate import notes
from pipelines.laboratory.simulate.likelihoods import Likelihoods
from pipelines.laboratory.simulate.notes import Report

COMPLAINT, PAST = "presenting_complaint", "past_history"
_OWN = {"symptom": "history_of_presenting_illness", "finding": "examination"}
_OPEN = re.compile(r"\{(?:days|year)\}")
_WORD = re.compile(r"[^\W\d_]{6,}")


@dataclass(frozen=True)
class Said:
    """What one sentence says.

    Attributes:
        present, absent: keys of the signs told as there and as not there.
        background, denied: keys of the illnesses named and denied in the past history.
        days: whether it says since when.
    """

    present: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    background: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    days: bool = False


def said(section: str, sentence: str, report: Report, table: Likelihoods) -> Said:
    """What of the report a sentence says.

    Args:
        section: that the sentence stands in.
        sentence: as it stands in the note.
        report: that the note was written from.
        table: which signs are symptoms and which are findings of the examination.
    """
    found: dict[str, set[str]] = {"present": set(), "absent": set(), "background": set()}
    found["denied"] = set()
    days = section == COMPLAINT and _complains(sentence)
    rest = _plain(sentence)
    for kind, key, phrase in sorted(
        _phrases(section, report, table), key=lambda one: -len(_plain(one[2]))
    ):
        place = _pattern(phrase).search(rest)
        if place is not None:
            found[kind].add(key)
            days = days or "{days}" in phrase
            rest = f"{rest[: place.start()]} | {rest[place.end() :]}"
    kinds = {kind: frozenset(keys) for kind, keys in found.items()}
    return Said(**kinds, days=days)


def _complains(sentence: str) -> bool:
    """Whether this is the sentence of the complaint, which says age, sex and since when."""
    return re.search(r"\d+ ?(?:[MF]\b|years?|yrs|yo?\b)", sentence) is not None


def _phrases(section: str, report: Report, table: Likelihoods) -> Iterator[tuple[str, str, str]]:
    """Kind, key and phrase of everything in the report that can stand in this section."""
    book = notes.phrases()
    for key, sign in table.signs.items():
        words = book["signs"][key]
        if section == COMPLAINT and key in report.present:
            yield from (("present", key, phrase) for phrase in words.get("complaint", ()))
        if section == _OWN[sign.kind]:
            if key in report.present:
                yield from (("present", key, phrase) for phrase in words["present"])
            if key in report.absent:
                yield from (("absent", key, phrase) for phrase in words["absent"])
    if section == PAST:
        for key in report.background:
            yield from (("background", key, phrase) for phrase in book["background"][key])
        for key in report.denied:
            yield from (("denied", key, phrase) for phrase in book["denied"][key])


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> re.Pattern[str]:
    """Of a phrase, with either side and any duration or year."""
    sides = [phrase.replace("{side}", side) for side in ("left", "right")]
    ways = (
        r".{1,16}?".join(re.escape(_plain(part)) for part in _OPEN.split(side))
        for side in dict.fromkeys(sides)
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)")


def _plain(text: str) -> str:
    """In short forms and small letters, the inner letters of every word in order."""
    text = _ordered(text)
    for long, short in _short_forms():
        text = long.sub(short, text)
    return text


@lru_cache(maxsize=1)
def _short_forms() -> Sequence[tuple[re.Pattern[str], str]]:
    forms = notes.phrases()["abbreviations"].items()
    return tuple((re.compile(rf"\b{_ordered(long)}\b"), _ordered(short)) for long, short in forms)


def _ordered(text: str) -> str:
    return _WORD.sub(_in_order, text.lower())


def _in_order(word: re.Match[str]) -> str:
    letters = word.group()
    return letters[0] + "".join(sorted(letters[1:-1])) + letters[-1]
