"""A report as Markdown: the same blocks, for a repository or a message. Figures are left out."""

from __future__ import annotations

import re

from clinical.wording import RESEARCH_USE
from pipelines.reports.blocks import (
    Block,
    Box,
    Code,
    Document,
    Heading,
    Item,
    Listing,
    Paragraph,
    Table,
)

_MARKUP = re.compile(r"([\\`*_\[\]<>|#])")


def text(written: Document) -> str:
    """The whole report."""
    parts = [f"# {_plain(written.title)}", f"**{RESEARCH_USE}**", _plain(written.lead)]
    parts += [part for block in written.blocks if (part := rendered(block))]
    return "\n\n".join(parts) + "\n"


def rendered(block: Block) -> str:
    """One block; empty for what Markdown has no form for."""
    match block:
        case Heading():
            return f"{'#' * (block.level + 1)} {_plain(block.text)}"
        case Paragraph():
            return _plain(block.text)
        case Box():
            note = f"\n\n{_plain(block.note)}" if block.note else ""
            return f"**{_plain(block.title)}**\n\n{_items(block.items)}{note}".replace(
                "\n\n\n\n", "\n\n"
            )
        case Listing():
            lead = f"{_plain(block.folded)}:\n\n" if block.folded else ""
            return lead + _items(block.items)
        case Table():
            return _table(block)
        case Code():
            return "\n".join(["```", *block.lines, "```"])
        case _:
            return ""


def _items(items: tuple[Item, ...]) -> str:
    return "\n".join(_item(item) for item in items)


def _item(item: Item) -> str:
    lead = f"**{_plain(item.lead)}** " if item.lead else ""
    note = f" {_plain(item.note)}" if item.note else ""
    return f"- {lead}{_plain(item.text)}{note}"


def _table(block: Table) -> str:
    names = [_plain(column.name) for column in block.columns]
    rules = ["--:" if column.number else "---" for column in block.columns]
    rows = [[_strong(cell, row.strong) for cell in row.cells] for row in block.rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (names, rules, *rows))


def _strong(cell: str, strong: bool) -> str:
    return f"**{_plain(cell)}**" if strong and cell.strip() else _plain(cell)


def _plain(words: str) -> str:
    """Text with what would be markup escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(words.split()))
