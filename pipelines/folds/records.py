"""What a finished task of a cross-validation leaves on disk: one JSON file, replaced atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.workspace import own_file
from pipelines.folds.splits import Indices

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Validated:
    """What the methods of one fold say of patients that they were not fitted on or tested on.

    Attributes:
        repeat, fold: numbers, from 0.
        rows: indices of cases of the dataset.
        scores: method to calibrated probabilities [rows, diagnoses]; NaN where it cannot say.
    """

    repeat: int
    fold: int
    rows: Indices
    scores: Mapping[str, Values]


def read_validated(
    record: Mapping[str, Any], repeat: int, fold: int, train: Indices
) -> Validated | None:
    """The scores of validation cases in a task's record; None if it has none.

    A record holds their places among the cases that the fold may learn from. Those decide a task's
    key; the numbers of cases in the dataset do not, and may differ the next time.

    Args:
        record: of a task.
        repeat, fold: which task.
        train: cases that the fold may learn from.
    """
    found = record.get("validated")
    if found is None:
        return None
    rows = train[np.array(found["places"], dtype=np.intp)]
    scores = {name: np.array(v, dtype=np.float64) for name, v in found["scores"].items()}
    return Validated(repeat, fold, rows, scores)


def plain(values: Values) -> list[list[float | None]]:
    """Rows as JSON-compatible values; NaN becomes null."""
    return [[None if np.isnan(x) else float(x) for x in row] for row in values]


def kept(file: Path, key: str, parts: Sequence[str] = ()) -> dict[str, Any] | None:
    """The record of an earlier run with this key, if it has these parts."""
    if not file.exists():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found if found["key"] == key and all(part in found for part in parts) else None


def write(file: Path, record: Mapping[str, Any]) -> None:
    """Write a record by rename, so that a killed run leaves all of it or none."""
    own_file.write(file, json.dumps(record))
