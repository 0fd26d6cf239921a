"""What a finished task of a cross-validation leaves on disk: one JSON file, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.splits import Indices

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Validated:
    """What the model of one fold says of the patients that it was calibrated on.

    Attributes:
        repeat, fold: numbers, from 0.
        rows: indices of cases of the dataset; none of them is learnt from or tested in this fold.
        scores: calibrated probabilities, all inputs shown [rows, diagnoses].
    """

    repeat: int
    fold: int
    rows: Indices
    scores: Values


def validation_record(places: Indices, scores: Values) -> dict[str, Any]:
    """Scores of validation cases, as `read_validation` reads them.

    Args:
        places: of the validation cases among the cases that the fold may learn from. Those decide a
            task's key; the numbers of cases in the dataset do not, and may differ the next time.
        scores: [places, diagnoses].
    """
    return {"places": places.tolist(), "scores": plain(scores)}


def read_validation(
    record: Mapping[str, Any], repeat: int, fold: int, train: Indices
) -> Validated | None:
    """The scores of validation cases in a task's record; None if it has none.

    Args:
        record: of a task of the model.
        repeat, fold: which task.
        train: cases that the fold may learn from.
    """
    found = record.get("validation")
    if found is None:
        return None
    rows = train[np.array(found["places"], dtype=np.intp)]
    return Validated(repeat, fold, rows, np.array(found["scores"], dtype=np.float64))


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
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(record), encoding="utf-8")
    unfinished.replace(file)
