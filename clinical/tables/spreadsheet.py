"""CSV for a spreadsheet: the only writer of tables that leave the program.

A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
Injection"); numbers are written as numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

BYTE_ORDER_MARK = "\ufeff"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell must not begin with; the last four are the full-width forms of the first."""

Cell = str | int | float | bool | None
Row = Sequence[Cell]


def written(header: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """A table a line at a time: UTF-8 with a byte order mark, so that Excel reads it as such."""
    yield BYTE_ORDER_MARK.encode() + line(header).encode()
    for row in rows:
        yield line(row).encode()


def line(cells: Iterable[Cell], *, end: str = "\r\n") -> str:
    """One row, its cells made safe.

    Args:
        cells: the row.
        end: of the line; that of RFC 4180 unless said.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerow([safe(cell) for cell in cells])
    return text.getvalue()


def safe(cell: Cell) -> Cell:
    """The cell as it may be written: text that begins like a formula gets an apostrophe."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and cell.lstrip("\0").startswith(DANGEROUS):
        return f"'{cell}"
    return cell
