"""What the report says of one model after the other: its rows, its heading and its figures."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipelines.agreement.cells import ALL
from pipelines.agreement.readings import NO_MODEL
from pipelines.agreement.report_rows import InCell, InMonth
from pipelines.reports.blocks import Figures, Heading

Found = TypeVar("Found", bound=InMonth)
InOne = TypeVar("InOne", bound=InCell)


@dataclass(frozen=True)
class OfModel(Generic[Found]):
    """Rows of one model, at least one.

    Attributes:
        number: of the model in the report, from 1.
        model: name and digest, or `NO_MODEL`.
        rows: in order.
    """

    number: int
    model: str
    rows: list[Found]

    @property
    def heading(self) -> Heading:
        """Which model it is."""
        return Heading("Read without a model" if self.model == NO_MODEL else f"Model {self.model}")

    def figure(self, kind: str) -> str:
        """Name of a figure of this model."""
        return f"{self.number}-{kind}"

    def shown(self, kind: str, drawn: Container[str]) -> Iterator[Figures]:
        """A figure of this model, if it was drawn."""
        if self.figure(kind) in drawn:
            yield Figures((self.figure(kind),))


def by_model(
    models: Iterable[str],
    listed: Sequence[Found],
    kept: Callable[[list[Found]], list[Found]] = list,
) -> Iterator[OfModel[Found]]:
    """Models in the order of the report that have rows.

    Args:
        models: of the report.
        listed: rows of all models.
        kept: which rows of one model are told of, and in which order.
    """
    for number, model in enumerate(models, start=1):
        if rows := kept(of_model(listed, model)):
            yield OfModel(number, model, rows)


def of_model(listed: Iterable[Found], model: str) -> list[Found]:
    """Rows of one model."""
    return [row for row in listed if row.model == model]


def all_months(rows: Iterable[Found]) -> list[Found]:
    """Rows of all months together."""
    return [row for row in rows if row.period == ALL]


def months(rows: Sequence[Found]) -> list[Found]:
    """Rows by month, and of all months together where they are more than one."""
    single = len({row.period for row in rows} - {ALL}) < 2
    return [row for row in rows if row.period != ALL or not single]


def months_and_readers(rows: Sequence[InOne]) -> list[InOne]:
    """By month and reader: "all" only where it stands for more than one, and then first."""
    single = len({row.reader for row in rows} - {ALL}) < 2
    kept = [row for row in months(rows) if row.reader != ALL or not single]
    return sorted(kept, key=lambda row: (row.period, row.reader))
