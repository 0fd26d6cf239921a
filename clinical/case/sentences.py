"""Sentences whose clauses each name what they rest on: plain values, the same for every format.

A clause with a source can be shown where it comes from: on the film, in a row, in a note. The text
of a sentence is that of its clauses one after another; what joins them has no source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A place on an image.

    Attributes:
        modality, item: input, and which image of it, from 0.
        box: top, left, bottom, right in source pixels.
        place: the same in words: "the right lower zone of the film".
    """

    modality: str
    item: int
    box: tuple[float, float, float, float]
    place: str

    @property
    def anchor(self) -> str:
        """What the page finds it by."""
        return f"{self.modality} region {self.item}"


@dataclass(frozen=True)
class Value:
    """The newest value of one thing that was measured.

    Attributes:
        modality, index: input, and position in it.
        code: of the thing.
        value, unit: normalised, UCUM; None and "" where it could not be.
        before: the value before it in the same unit, or None.
        mark: "high", "low", "critical high", "critical low", "within range", or "" where
            no range is known.
    """

    modality: str
    index: int
    code: str
    value: float | None
    unit: str
    before: float | None = None
    mark: str = ""

    @property
    def anchor(self) -> str:
        """What the page finds it by: all values of one thing are one row."""
        return f"{self.modality} value {self.code}"


@dataclass(frozen=True)
class Entry:
    """One entry of a coded history, or the age or sex in it.

    Attributes:
        modality: name of the input.
        index: position in it; None for age and sex.
        what: "age", "sex", or the code.
        present: False where it says that the patient does not have it.
    """

    modality: str
    index: int | None
    what: str
    present: bool = True

    @property
    def anchor(self) -> str:
        """What the page finds it by."""
        return f"{self.modality} entry {self.what if self.index is None else self.index}"


@dataclass(frozen=True)
class Quotation:
    """A sentence of a note: what it denies it denies itself, so it is quoted whole.

    Attributes:
        modality, index: input, and section of it.
        start, end: characters of the sentence in its section.
    """

    modality: str
    index: int
    start: int
    end: int

    @property
    def anchor(self) -> str:
        """What the page finds it by."""
        return f"{self.modality} sentence {self.index} {self.start}"


@dataclass(frozen=True)
class Stretch:
    """A part of a signal over time.

    Attributes:
        modality, item: input, and which signal of it, from 0.
        lead: its name, or "" for all of them.
        seconds: from and to, counted from the first sample; None for all of it.
    """

    modality: str
    item: int
    lead: str = ""
    seconds: tuple[float, float] | None = None

    @property
    def anchor(self) -> str:
        """What the page finds it by."""
        return f"{self.modality} stretch {self.item}"


@dataclass(frozen=True)
class Whole:
    """An input as a whole."""

    modality: str

    @property
    def anchor(self) -> str:
        """What the page finds it by."""
        return f"{self.modality} whole"


Source = Region | Value | Entry | Quotation | Stretch | Whole


@dataclass(frozen=True)
class Clause:
    """Some words and what they rest on; None for those that join others."""

    text: str
    source: Source | None = None


Sentence = tuple[Clause, ...]


@dataclass(frozen=True)
class Named:
    """A piece of evidence as a sentence names it.

    Attributes:
        words: a noun phrase that can stand in a list: "potassium 6.9 mmol/L".
        source: where it is.
        facts: what is told of it in brackets: "high", "since 2019".
        without: what "83% without" ends with.
    """

    words: str
    source: Source
    facts: tuple[str, ...] = ()
    without: str = "it"


def text(sentences: Iterable[Sentence]) -> str:
    """Sentences as one paragraph."""
    return " ".join("".join(clause.text for clause in one) for one in sentences)
