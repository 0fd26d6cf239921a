"""The report as CSV files that are safe in a spreadsheet: one for each list of findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from clinical.tables.spreadsheet import Cell, written
from pipelines.agreement.findings import Findings

TABLES = {
    "agreement.csv": "acceptance",
    "diagnoses.csv": "by_diagnosis",
    "overrides.csv": "overrides",
    "first_reads.csv": "switched",
    "second_readers.csv": "doubled",
    "times.csv": "took",
    "marked.csv": "marked",
    "inputs.csv": "given",
    "measurements.csv": "measured",
    "outputs.csv": "expected",
    "alerts.csv": "alerts",
}
"""File name to the list of `Findings` that is in it."""


def files(found: Findings) -> dict[str, bytes]:
    """Name to content; a list without rows is an empty file with no head, and is left out."""
    listed = {name: getattr(found, part) for name, part in TABLES.items()}
    return {name: _table(rows) for name, rows in listed.items() if rows}


def _table(rows: Sequence[Any]) -> bytes:
    header = [name for name, _ in _flat(rows[0])]
    return b"".join(written(header, ([cell for _, cell in _flat(row)] for row in rows)))


def _flat(row: Any, before: str = "") -> list[tuple[str, Cell]]:
    """Fields of a row; those of an interval or a kappa after their own name."""
    found: list[tuple[str, Cell]] = []
    for one in fields(row):
        value, name = getattr(row, one.name), f"{before}{one.name}"
        found += _flat(value, f"{name}_") if is_dataclass(value) else [(name, value)]
    return found
