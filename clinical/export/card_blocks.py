"""A model card (Markdown as `pipelines` writes it) as headings, paragraphs, items and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_MARKS = re.compile(r"\*\*|`")
_RULE = re.compile(r"\|[ :|-]+\|")


@dataclass(frozen=True)
class Block:
    """One line of the card, or one table of it.

    Attributes:
        kind: what it is.
        text: of a line.
        rows: of a table, the first being its heading.
    """

    kind: Literal["heading", "paragraph", "item", "table"]
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def blocks(words: str) -> Iterator[Block]:
    """The card in order, without its title; marks of emphasis are left out."""
    rows: list[tuple[str, ...]] = []
    for line in [*words.splitlines(), ""]:
        plain = _MARKS.sub("", line).strip()
        if plain.startswith("|"):
            if not _RULE.fullmatch(plain):
                rows.append(tuple(cell.strip() for cell in plain.strip("|").split("|")))
            continue
        if rows:
            yield Block("table", rows=tuple(rows))
            rows = []
        if plain.startswith("## "):
            yield Block("heading", plain.lstrip("# "))
        elif plain.startswith("- "):
            yield Block("item", plain[2:])
        elif plain and not plain.startswith("# "):
            yield Block("paragraph", plain)
