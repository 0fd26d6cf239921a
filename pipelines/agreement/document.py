"""The agreement report as blocks in order, from the findings alone."""

from __future__ import annotations

from collections.abc import Container, Iterator

from pipelines.agreement.findings import Findings
from pipelines.agreement.sections import head, models, readers
from pipelines.reports.blocks import Block, Document

TITLE = "Agreement report"


def document(found: Findings) -> Document:
    """The whole report."""
    drawn = {**readers.pictures(found), **models.pictures(found)}
    return Document(TITLE, head.lead(found), tuple(_blocks(found, drawn)), drawn)


def _blocks(found: Findings, drawn: Container[str]) -> Iterator[Block]:
    yield from head.verdict(found)
    yield from head.alerts(found)
    yield from readers.agreement(found, drawn)
    yield from readers.overrides(found, drawn)
    yield from readers.first_reads(found)
    yield from readers.second_readers(found)
    yield from readers.times(found, drawn)
    yield from models.inputs(found)
    yield from models.outputs(found, drawn)
    yield from head.rules(found)
    yield from head.limits(found)
