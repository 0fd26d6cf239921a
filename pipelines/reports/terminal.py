"""A report for a terminal: the same blocks, as far as one can show them."""

from __future__ import annotations

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

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

TONES = {"good": "green", "care": "yellow", "bad": "red"}


def show(console: Console, written: Document) -> None:
    """Print a report. Figures are left out; what a page folds is printed."""
    console.print(Text(written.title, style="bold"))
    console.print(Text(written.lead, style="dim"))
    for block in written.blocks:
        for part in rendered(block):
            console.print(part, soft_wrap=False)


def rendered(block: Block) -> list[RenderableType]:
    """One block for a terminal."""
    match block:
        case Heading():
            return [Text(""), Text(block.text, style="bold" if block.level == 1 else "italic")]
        case Paragraph():
            return [Padding(Text(block.text, style="dim" if block.soft else ""), (0, 0, 0, 2))]
        case Box():
            title = Text(block.title, style=f"bold {TONES[block.tone]}")
            note = [Padding(Text(block.note, style="dim"), (0, 0, 0, 2))] if block.note else []
            return [Text(""), title, *map(_item, block.items), *note]
        case Listing():
            return [*([Text(f"{block.folded}:")] if block.folded else []), *map(_item, block.items)]
        case Table():
            return [_grid(block)]
        case Code():
            return [Padding(Text("\n".join(block.lines)), (0, 0, 0, 2))]
        case _:
            return []


def _item(item: Item) -> RenderableType:
    line = Grid.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column(overflow="fold")
    text = Text(f"{item.lead} ", style="bold") if item.lead else Text("")
    text.append(Text(item.text, style=""))
    if item.note:
        text.append(Text(f" {item.note}", style="dim"))
    line.add_row("-", text)
    return Padding(line, (0, 0, 0, 2))


def _grid(block: Table) -> RenderableType:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for column in block.columns:
        grid.add_column(
            column.name,
            justify="right" if column.number else "left",
            overflow="fold",
            no_wrap=column.number,
            ratio=None,
        )
    for row in block.rows:
        grid.add_row(*(Text(cell, style="bold" if row.strong else "") for cell in row.cells))
    return grid
