"""What a check says: something to decide, or something to know; and whose words may be printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

FEWEST = 5
"""Rows that a word must have to be printed if nobody knows it; a rarer one may be a name."""

Level = Literal["decide", "know"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        level: "decide" where a person must choose, or would be misread; "know" for all else.
        place: table and column, or what it is about.
        text: what was found, in one sentence or two. Never a value, an identifier or free text.
        remedy: what to do about it, or "".
        count: of rows, files or cases.
    """

    level: Level
    place: str
    text: str
    remedy: str = ""
    count: int = 0


@dataclass(frozen=True)
class Counted:
    """A word of a source, or of ours, and how many rows have it."""

    text: str
    count: int


@dataclass(frozen=True)
class Shown:
    """The words of a column that may be printed.

    Attributes:
        counts: the most frequent first.
        hidden_words, hidden_rows: that are neither known nor in `FEWEST` rows.
    """

    counts: tuple[Counted, ...]
    hidden_words: int = 0
    hidden_rows: int = 0


NOTHING = Shown(())


def shown(counts: Mapping[str, int], known: Callable[[str], bool]) -> Shown:
    """Keep what is known vocabulary, or in `FEWEST` rows at least."""
    kept = {word: n for word, n in counts.items() if n >= FEWEST or known(word)}
    lost = [n for word, n in counts.items() if word not in kept]
    return Shown(ranked(kept), len(lost), sum(lost))


def ranked(counts: Mapping[str, int]) -> tuple[Counted, ...]:
    """The most frequent first; equally frequent ones by the alphabet."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Counted(word, n) for word, n in order if n)


def listed(counts: tuple[Counted, ...] | Counter[str], most: int = 4) -> str:
    """The most frequent ones with their counts, in one line."""
    found = ranked(counts) if isinstance(counts, Counter) else counts
    told = [f"{item.text} ({item.count:,})".lstrip() for item in found[:most]]
    if len(found) > most:
        told.append(f"{len(found) - most} more")
    return ", ".join(told)
