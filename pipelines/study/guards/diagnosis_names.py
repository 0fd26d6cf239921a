"""Does a sentence name a diagnosis? Words of its name, whether affirmed, asked or denied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LEAST_LETTERS = 5
"""A shorter word names nothing by itself."""

LEAST_INITIALS = 3
"""Two letters stand for too many things; such an abbreviation has to be given."""

_FILLERS = frozenset(
    re.findall(
        r"\w+",
        """
        a an and as at by due for from in into no none nos not of on or other specified the these
        this those to type unspecified with without
        """,
    )
)
_SHARED = frozenset(
    re.findall(
        r"\w+",
        """
        abnormal acute attack atypical bacterial cardiac chest chronic congestive coronary disease
        diseases disorder disorders event exacerbation failure finding findings heart infection
        infections infectious kidney later liver lungs organism primary pulmonary pleural recurrent
        renal respiratory secondary severe syndrome thoracic upper viral
        """,
    )
)
"""Words that many diagnoses, organs and findings share: alone they name none."""


@dataclass(frozen=True)
class Names:
    """What a diagnosis is called.

    Attributes:
        wholes: the words of each name; a sentence with all of them names it.
        marks: single words that name it by themselves.
        initials: such as COPD, told from words by their capitals.
    """

    wholes: tuple[frozenset[str], ...]
    marks: frozenset[str]
    initials: frozenset[str]


def names_of(called: Iterable[str]) -> Names | None:
    """The words of every name a diagnosis has, or None where no name holds a word of its own.

    Args:
        called: its identifier ("heart_failure"), display, ICD description, synonyms, abbreviations.
    """
    wholes, marks, initials = set(), set(), set()
    for name in called:
        if re.fullmatch(r"[A-Z][A-Z0-9]{1,5}", name):
            initials.add(name)
            continue
        words = [word for word in _words(name) if word not in _FILLERS]
        if not words:
            continue
        wholes.add(frozenset(words))
        marks |= {w for w in words if len(w) >= LEAST_LETTERS and w not in _SHARED}
        if len(words) >= LEAST_INITIALS:
            initials.add("".join(word[0] for word in words).upper())
    if not wholes and not initials:
        return None
    return Names(tuple(sorted(wholes, key=sorted)), frozenset(marks), frozenset(initials))


def named(sentence: str, names: Names) -> bool:
    """Whether a sentence names the diagnosis; plurals count, and so does "no pneumonia"."""
    words = set(_words(sentence))
    words |= {word.removesuffix("s") for word in words} | {w.removesuffix("es") for w in words}
    return (
        not words.isdisjoint(names.marks)
        or any(whole <= words for whole in names.wholes)
        or not names.initials.isdisjoint(re.findall(r"[A-Z][A-Z0-9]+", sentence))
    )


def _words(text: str) -> Sequence[str]:
    return re.findall(r"[^\W\d_]+", text.lower())
