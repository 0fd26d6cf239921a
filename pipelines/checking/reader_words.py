"""Which messages of a cohort's reader ask for a decision, and which only say what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clinical.tables import clock, sexes, times
from clinical.terms import doubts
from pipelines.checking.findings import Finding
from pipelines.checking.found import LeftOut

ASKS = (
    "the number can be read in two ways",
    times.DAY_OR_MONTH,
    clock.NO_ZONE,
    clock.ONLY_ZONE,
    sexes.ONE_OF_TWO,
    sexes.M_OF_TWO,
    sexes.SAME_LETTER,
    "the column is not known",
    "the column is missing",
    "the column is there twice",
    "the cells are times",
    "cohort.toml names a column",
    "the file is not",
    "the file has no header",
    "from this row on the file",
    "No outcome is read",
    *(doubt.problem for doubt in doubts.KINDS.values()),
)
"""Beginnings of messages about a whole column or file: one answer settles all of its rows."""


def asks(one: LeftOut) -> bool:
    """Whether a message asks for a decision."""
    return one.reason.startswith(ASKS)


def to_decide(reported: Sequence[LeftOut]) -> Iterator[Finding]:
    """A finding for each message that asks."""
    for one in reported:
        if asks(one):
            text = one.reason[:1].upper() + one.reason[1:]
            yield Finding("decide", one.place, text, one.remedy, one.count)
