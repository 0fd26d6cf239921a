"""A table that compares methods: a row for each, that of our own model strong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.folds.methods import OURS
from pipelines.reports.blocks import Row, Table, numbers, texts


def method_table(columns: Sequence[str], found: Mapping[str, Sequence[str]]) -> Table:
    """Methods below each other.

    Args:
        columns: names of the figures, each with its unit or usual value.
        found: method to its figures, as text.
    """
    rows = tuple(Row((method, *cells), method == OURS) for method, cells in found.items())
    return Table((*texts("Method"), *numbers(*columns)), rows)
