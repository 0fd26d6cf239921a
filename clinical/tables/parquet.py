"""The cells of a Parquet file as the texts that the CSV would hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pyarrow
import pyarrow.parquet


def records(path: Path, typed: set[str]) -> Iterator[tuple[str, ...]]:
    """The header, then every row.

    Args:
        path: the file.
        typed: gets the names of the columns that hold numbers, whose format is no question.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: if it is not readable Parquet.
    """
    with pyarrow.parquet.ParquetFile(path) as table:
        schema = table.schema_arrow
        typed.update(one.name for one in schema if _is_number(one.type))
        yield tuple(schema.names)
        for batch in table.iter_batches():
            texts = [[text(cell) for cell in column.to_pylist()] for column in batch.columns]
            yield from zip(*texts, strict=True)


def _is_number(kind: pyarrow.DataType) -> bool:
    is_a = pyarrow.types
    return bool(is_a.is_integer(kind) or is_a.is_floating(kind) or is_a.is_decimal(kind))


def text(cell: object) -> str:
    """A cell as the same text that the CSV would hold."""
    match cell:
        case None:
            return ""
        case bool():
            return "1" if cell else "0"
        case float():
            # Identifiers and years become 7.0 where a column of whole numbers has gaps.
            whole = cell.is_integer() and abs(cell) < 2**53
            return "" if cell != cell else str(int(cell)) if whole else repr(cell)
        case datetime() | date():
            return cell.isoformat()
        case bytes():
            return cell.decode("utf-8")
        case _:
            return str(cell)
