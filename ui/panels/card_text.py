"""A model card as markup: the small part of Markdown that a card uses, and nothing else.

Headings, paragraphs, bulleted lists, tables, **strong** and `code`. All else stays the text it is:
links, images and HTML in a card that somebody was sent are shown, never followed or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from ui.words.markup import Markup, joined, tag

_INLINE = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")
_RULE = re.compile(r"\|?[\s:|-]+\|?")


def structured(text: str) -> Markup:
    """The text of a card, every character of it escaped."""
    return tag("article", *_blocks(text.splitlines()), class_="model-card")


def _blocks(lines: Sequence[str]) -> Iterator[Markup]:
    for kind, part in groupby(lines, key=_kind):
        found = [line.strip() for line in part]
        match kind:
            case "heading":
                yield from (_heading(line) for line in found)
            case "list":
                yield tag("ul", *(tag("li", _inline(line[2:])) for line in found))
            case "table":
                yield _table(found)
            case "paragraph":
                yield tag("p", _inline(" ".join(found)))


def _kind(line: str) -> str:
    start = line.strip()
    if not start:
        return "nothing"
    if re.match(r"#{1,6} ", start):
        return "heading"
    if start.startswith(("- ", "* ")):
        return "list"
    return "table" if start.startswith("|") else "paragraph"


def _heading(line: str) -> Markup:
    level = len(line) - len(line.lstrip("#"))
    # The page has a heading of its own above these.
    return tag(f"h{min(level + 2, 6)}", _inline(line[level:].strip()))


def _table(lines: Sequence[str]) -> Markup:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if not _RULE.fullmatch(line)
    ]
    if not rows:
        return joined([])
    head = tag("tr", *(tag("th", _inline(cell), scope="col") for cell in rows[0]))
    body = (tag("tr", *(tag("td", _inline(cell)) for cell in row)) for row in rows[1:])
    return tag("table", tag("thead", head), tag("tbody", *body))


def _inline(text: str) -> Markup:
    pieces: list[str | Markup] = []
    at = 0
    for found in _INLINE.finditer(text):
        pieces.append(text[at : found.start()])
        pieces.append(tag("b", found[1]) if found[1] else tag("code", found[2]))
        at = found.end()
    return joined([*pieces, text[at:]])
