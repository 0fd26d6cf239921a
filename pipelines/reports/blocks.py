"""The building blocks of a report: written once, printed as HTML and as PDF.

All text is plain text; what looks like markup is printed as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.reports.figures.figure import Figure


@dataclass(frozen=True)
class Heading:
    """A heading; 1 for a part of the report, which the contents list, and 2 within it."""

    text: str
    level: int = 2
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `soft` for what explains the figures beside it."""

    text: str
    soft: bool = False
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Item:
    """One line of a list: words in bold before it, and small ones behind it."""

    text: str
    lead: str = ""
    note: str = ""


@dataclass(frozen=True)
class Listing:
    """A list; with `folded`, a page on a screen shows this title alone until it is asked."""

    items: tuple[Item, ...]
    folded: str = ""
    kind: Literal["listing"] = "listing"


@dataclass(frozen=True)
class Box:
    """A box that nobody overlooks; its tone is good, care or bad."""

    title: str
    items: tuple[Item, ...]
    tone: str
    note: str = ""
    kind: Literal["box"] = "box"


@dataclass(frozen=True)
class Column:
    """A column of a table: `number` stands at the right, unbroken; `wide` gets the most room."""

    name: str
    number: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Row:
    """One row of a table, a cell for each column; that of our own model is strong."""

    cells: tuple[str, ...]
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a head."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    kind: Literal["table"] = "table"


@dataclass(frozen=True)
class Figures:
    """Figures by name, so many beside each other; in print at most `tallest` mm high each."""

    names: tuple[str, ...]
    across: int = 1
    tallest: int = 190
    kind: Literal["figures"] = "figures"


@dataclass(frozen=True)
class Code:
    """Lines to be copied as they are."""

    lines: tuple[str, ...]
    kind: Literal["code"] = "code"


Block = Heading | Paragraph | Listing | Box | Table | Figures | Code


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        title: of the study.
        lead: one line below it.
        blocks: in order.
        pictures: name to figure.
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]
    pictures: Mapping[str, Figure]


def texts(*names: str) -> tuple[Column, ...]:
    """Columns of text."""
    return tuple(Column(name) for name in names)


def numbers(*names: str) -> tuple[Column, ...]:
    """Columns of numbers."""
    return tuple(Column(name, number=True) for name in names)
