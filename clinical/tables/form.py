"""How the columns of one table are written: found in all of its cells, or told by the cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clinical.case.shapes import Sex
from clinical.tables.numbers import POINT, NumberFormat
from clinical.tables.times import POINTS, Order, Orders


@dataclass(frozen=True)
class Form:
    """What a cell means is decided by its column; this is what was decided.

    Attributes:
        numbers: column to its number format, None where its cells do not decide it. Columns that
            are not in it have a decimal point.
        orders: column to the order of day and month in its dates.
    """

    numbers: Mapping[str, NumberFormat | None] = field(default_factory=dict)
    orders: Mapping[str, Orders] = field(default_factory=dict)

    def number(self, column: str) -> NumberFormat | None:
        """The number format of a column."""
        return self.numbers.get(column, POINT)

    def order(self, column: str) -> Orders:
        """The order of day and month in a column."""
        return self.orders.get(column, POINTS)


PLAIN = Form()


@dataclass(frozen=True)
class Told:
    """What cohort.toml says about one table, `[csv]` and `[columns.TABLE]`; empty says nothing.

    Attributes:
        delimiter, encoding: of the file, if it is CSV.
        number: format of its numbers.
        columns: column of ours to that of the file.
        ignore: columns of the file that are none of ours, whatever they look like.
        order: of day and month in its dates.
        sexes: cell of the column sex, in small letters, to what it means.
    """

    delimiter: str = ""
    encoding: str = ""
    number: NumberFormat | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    order: Order | None = None
    sexes: Mapping[str, Sex | None] = field(default_factory=dict)
