"""What a check says of images and electrocardiograms: what was read, left out, and is doubtful."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.checking.findings import Shown
from pipelines.checking.found import CheckFound
from pipelines.checking.images import ImagesFound
from pipelines.checking.tracings import TracingsFound
from pipelines.reports.blocks import (
    Block,
    Column,
    Heading,
    Item,
    Listing,
    Paragraph,
    Row,
    Table,
    numbers,
)
from pipelines.reports.formatting import counted


def files(found: CheckFound) -> Iterator[Block]:
    """The parts of a report that are about files."""
    yield from _of_images(found)
    yield from _of_tracings(found)


def _of_images(found: CheckFound) -> Iterator[Block]:
    told = found.images
    if not told.files:
        return
    yield Heading("Images", 1)
    yield Paragraph(
        f"{counted(told.files, 'file')}; the pixels of {told.read:,} could be read"
        " (how many are tried: --images), of the others the header was looked at.",
        soft=True,
    )
    yield from _of_files(told)


def _of_tracings(found: CheckFound) -> Iterator[Block]:
    told = found.tracings
    if not told.files:
        return
    yield Heading("Electrocardiograms", 1)
    yield Paragraph(
        f"{counted(told.files, 'file')}; {told.read:,} could be read (how many are tried:"
        " --images).",
        soft=True,
    )
    yield from _of_files(told)


def _of_files(told: ImagesFound | TracingsFound) -> Iterator[Block]:
    """What was read, what is left out, and what is doubtful."""
    traits = [counts_of(name, shown) for name, shown in told.traits.items()]
    yield Listing(tuple(trait for trait in traits if trait))
    rows = [Row((one.text, f"{one.count:,}")) for one in told.refused]
    if rows:
        yield Heading("Left out")
        yield Table((Column("why", wide=True), *numbers("files")), tuple(rows))
    rows = [Row((one.text, f"{one.count:,}")) for one in told.doubts]
    if rows:
        yield Heading("Used, and reported")
        yield Table((Column("what", wide=True), *numbers("files")), tuple(rows))


def counts_of(name: str, shown: Shown, most: int = 8) -> Item | None:
    """A line of the words that may be printed, and how many others there are; None without any."""
    if not shown.counts and not shown.hidden_rows:
        return None
    text = ", ".join(f"{one.text or 'empty'} ({one.count:,})" for one in shown.counts[:most])
    if len(shown.counts) > most:
        text += f", {len(shown.counts) - most:,} more"
    hidden = (
        f"({shown.hidden_words:,} rarer, in {counted(shown.hidden_rows, 'row')})"
        if shown.hidden_words
        else ""
    )
    return Item(text, name, hidden)
