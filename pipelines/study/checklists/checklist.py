"""A published reporting checklist as a table, and the same list filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clinical.config import build, read_toml
from pipelines.study.checklists.facts import FACTS
from pipelines.study.checklists.finished import Finished

HERE = Path(__file__).parent
TABLES = ("tripod_ai", "claim", "stard_ai", "hti_1")

WRITE, ADD = "A person must write this:", "A person must complete this:"
"""How every output marks what the study cannot know."""

Status = Literal["filled", "in part", "to write"]


@dataclass(frozen=True)
class Item:
    """One entry of a list.

    Attributes:
        number: as published.
        section: of the list.
        asks: what is to be reported, in our words.
        says: facts that answer it (`facts.FACTS`).
        rest: what a person has to add to them; empty if they are the whole answer.
        settles: facts that leave nothing to be asked where they hold.
    """

    number: str
    section: str
    asks: str
    says: tuple[str, ...] = ()
    rest: str = ""
    settles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checklist:
    """A published list.

    Attributes:
        name: short.
        about: studies or products that it is made for.
        source: paper or paragraph.
        link: to it.
        entries: how many the published list has; `items` may be fewer, and the output says so.
        items: the entries, in order.
        caution: fact that makes the whole list doubtful for a study, or empty.
    """

    name: str
    about: str
    source: str
    link: str
    entries: int
    items: tuple[Item, ...]
    caution: str = ""


@dataclass(frozen=True)
class Answer:
    """One entry, filled as far as the study knows.

    Attributes:
        item: what was asked.
        status: "filled", "in part", or "to write" by a person.
        text: what the study says; empty with "to write".
        hint: what a person has to write; empty with "filled".
    """

    item: Item
    status: Status
    text: str
    hint: str


@dataclass(frozen=True)
class Filled:
    """A list with its answers.

    Attributes:
        checklist: as published.
        answers: in its order.
        caution: why the list may not fit the study, or empty.
    """

    checklist: Checklist
    answers: tuple[Answer, ...]
    caution: str

    def count(self, status: Status) -> int:
        """Answers of one status."""
        return sum(answer.status == status for answer in self.answers)

    @property
    def summary(self) -> str:
        """ "Filled 14 of 27, 9 in part, 4 for a person to write." """
        known, published = len(self.answers), self.checklist.entries
        short = f" The published list has {published}; {published - known} are not in our table."
        return (
            f"Filled {self.count('filled')} of {known}, {self.count('in part')} in part,"
            f" {self.count('to write')} for a person to write.{short if known < published else ''}"
        )


def checklists() -> tuple[Checklist, ...]:
    """All lists, from their tables."""
    return tuple(_load(HERE / f"{name}.toml") for name in TABLES)


def _load(file: Path) -> Checklist:
    found: Checklist = build(Checklist, read_toml(file), file.name)
    return found


def fill(checklist: Checklist, study: Finished) -> Filled:
    """Answer every entry of a list as far as a finished study knows.

    Args:
        checklist: of `checklists`.
        study: its files.
    """
    caution = FACTS[checklist.caution](study) if checklist.caution else ""
    return Filled(checklist, tuple(_answer(item, study) for item in checklist.items), caution)


def _answer(item: Item, study: Finished) -> Answer:
    settled = " ".join(_told(item.settles, study))
    if settled:
        return Answer(item, "filled", settled, "")
    text = " ".join(_told(item.says, study))
    if not text:
        return Answer(item, "to write", "", item.rest or f"{item.asks}.")
    return Answer(item, "in part" if item.rest else "filled", text, item.rest)


def _told(names: tuple[str, ...], study: Finished) -> Iterator[str]:
    yield from filter(None, (FACTS[name](study) for name in names))
