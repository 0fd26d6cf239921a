"""A case: what was known of one patient at the moment a decision was needed.

`Case.inputs` maps a modality name ("image", "measurements", "history", "notes", ...) to one of four
closed shapes: `Arrays`, `Measurements`, `Events`, `Texts`. Modality names are open, shapes are not.
An absent key is an absent modality. Nothing later than `decision_time` is ever in a case, and
labels never are: they travel apart, as `Outcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical import canonical
from clinical.case.shapes import (
    Shape,
    shape_as_json,
    shape_from_json,
    time_as_json,
    time_from_json,
)


@dataclass(frozen=True)
class Problem:
    """Something in the source that could not be used, where it stands, and what to do about it.

    Attributes:
        file: path relative to the cohort's root.
        row: 1-based line in a table (the header is line 1), or None.
        column: name of the column, or "".
        reason: one sentence; never a measured value, a name or free text.
        remedy: what would make it usable.
        case_id: the case it belongs to, or "" if it belongs to none.
    """

    file: str
    reason: str
    row: int | None = None
    column: str = ""
    remedy: str = ""
    case_id: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column}"
        return f"{place}: {self.reason}" + (f" Remedy: {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, eq=False)
class Case:
    """What was known of one patient at `decision_time`.

    Attributes:
        case_id: unique in its cohort; a pseudonym.
        patient_id: the same for all cases of one patient; a pseudonym.
        decision_time: nothing in `inputs` is later. None for sources that give no times at all.
        inputs: modality name to shape.
        site: where it comes from, for splits and subgroups; no model reads it.
        problems: rows and files of this case that could not be used.
    """

    case_id: str
    patient_id: str
    decision_time: datetime | None
    inputs: Mapping[str, Shape]
    site: str = ""
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))

    def without(self, *modalities: str) -> Case:
        """The same case with the named modalities left out."""
        kept = {name: shape for name, shape in self.inputs.items() if name not in modalities}
        return Case(
            self.case_id, self.patient_id, self.decision_time, kept, self.site, self.problems
        )


@dataclass(frozen=True)
class SkippedCase:
    """A case that could not be read at all, and why."""

    case_id: str
    problem: Problem


@dataclass(frozen=True)
class Outcome:
    """What turned out to be true of a case.

    Attributes:
        case_id, diagnosis: of what.
        value: None means unknown.
        problem: why a value that the source gives is not used, such as that it is of before the
            decision; `value` is None then.
        days: from the decision to when it was known, where the source says.
    """

    case_id: str
    diagnosis: str
    value: bool | None
    problem: Problem | None = None
    days: float | None = None


def as_json(case: Case) -> dict[str, Any]:
    """`case` as JSON-compatible values; arrays by digest only (pixels are stored apart)."""
    return {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "decision_time": time_as_json(case.decision_time),
        "site": case.site,
        "inputs": {name: shape_as_json(shape) for name, shape in sorted(case.inputs.items())},
        "problems": [
            {
                "file": p.file,
                "row": p.row,
                "column": p.column,
                "reason": p.reason,
                "remedy": p.remedy,
                "case_id": p.case_id,
            }
            for p in case.problems
        ],
    }


def from_json(data: Mapping[str, Any], pixels: Mapping[str, NDArray[np.float32]]) -> Case:
    """Rebuild a case from `as_json` and the arrays it refers to, keyed by digest.

    An array whose digest is not in `pixels` is left out of the inputs.
    """
    found = {name: shape_from_json(shape, pixels) for name, shape in data["inputs"].items()}
    inputs = {name: shape for name, shape in found.items() if shape is not None}
    return Case(
        data["case_id"],
        data["patient_id"],
        time_from_json(data["decision_time"]),
        inputs,
        data["site"],
        tuple(Problem(**problem) for problem in data["problems"]),
    )


def input_digest(case: Case) -> str:
    """SHA-256 of everything a model may see of `case`: decision time and inputs."""
    seen = as_json(case)
    return canonical.digest({"decision_time": seen["decision_time"], "inputs": seen["inputs"]})


def record_digest(case: Case) -> str:
    """SHA-256 of all of `case`: patient, site and problems, too."""
    return canonical.digest(as_json(case))
