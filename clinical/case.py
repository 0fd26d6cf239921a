"""A case: what was known of one patient at the moment a decision was needed.

`Case.inputs` maps a modality name ("image", "measurements", "history", "notes", ...) to one of four
closed shapes: `Array`, `Measurements`, `Events`, `Texts`. Modality names are open, shapes are not.
An absent key is an absent modality. Nothing later than `decision_time` is ever in a case, and
labels never are: they travel apart, as `Outcome`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from clinical import canonical, window
from clinical.window import Window

Sex = Literal["female", "male"]


@dataclass(frozen=True, eq=False)
class Array:
    """Sampled intensities, for example a radiograph.

    Intensity convention: float32, **larger is brighter is denser** (bone white, air black), the
    output of the modality LUT or rescale. MONOCHROME1 has already been inverted. The scale is the
    device's own; only `window` says what part of it to look at.

    Attributes:
        values: read-only float32, one dimension per name in `axes`.
        axes: for a radiograph ("row", "column").
        spacing: mm per step along each axis, or None where the source does not say.
        digest: SHA-256 over shape and little-endian float32 bytes of `values`.
        window: centre and width to display with, in the unit of `values`, or None.
        windows: every window and table of the file, the one to open with first; empty where
            `window` is all that it says.
        source: where it came from: SOPInstanceUID, TransferSyntaxUID, view, ... Never a name.
    """

    values: NDArray[np.float32]
    axes: tuple[str, ...] = ("row", "column")
    spacing: tuple[float, ...] | None = None
    window: tuple[float, float] | None = None
    source: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    windows: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype="<f4")
        if values.ndim != len(self.axes):
            raise ValueError(f"{values.ndim} dimensions but axes {self.axes}")
        if values.base is not None or values is self.values:
            values = values.copy()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "source", MappingProxyType(dict(self.source)))
        object.__setattr__(self, "digest", pixel_digest(values))


def pixel_digest(values: NDArray[np.float32]) -> str:
    """SHA-256 over the shape and the little-endian float32 bytes of `values`."""
    state = hashlib.sha256(repr(values.shape).encode())
    state.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return state.hexdigest()


@dataclass(frozen=True)
class Measurement:
    """One laboratory value or vital sign.

    Attributes:
        code: LOINC code, or `source:name` where LOINC has none.
        name: what to show a person.
        value: in `unit`, or None where the raw value could not be normalised.
        unit: UCUM, or "" where the raw unit could not be normalised.
        time: when it was measured; never after the case's decision time. None if unknown.
        raw_value, raw_unit: exactly as the source gave them.
        reference: lower and upper reference limit in `unit`; either may be None.
        problem: why `value` is None, or "".
    """

    code: str
    name: str
    value: float | None
    unit: str
    time: datetime | None
    raw_value: str
    raw_unit: str
    reference: tuple[float | None, float | None] = (None, None)
    problem: str = ""


@dataclass(frozen=True)
class Measurements:
    """All measurements of one modality, in source order."""

    items: tuple[Measurement, ...]


@dataclass(frozen=True)
class Event:
    """One coded item of history: a condition, a symptom, a drug, an examination finding.

    Attributes:
        code: ICD-10, SNOMED CT, ATC, or `source:name` where no code is given.
        display: what to show a person.
        onset: when it began, or None.
        present: False where the source states that the patient does *not* have it.
    """

    code: str
    display: str
    onset: datetime | None = None
    present: bool = True


@dataclass(frozen=True)
class Events:
    """Coded history and demographics.

    Attributes:
        items: in source order.
        age_years: at the decision time, or None.
        sex: as recorded for clinical use, or None.
    """

    items: tuple[Event, ...] = ()
    age_years: float | None = None
    sex: Sex | None = None


@dataclass(frozen=True)
class Text:
    """One section of a note."""

    section: str
    text: str
    time: datetime | None = None


@dataclass(frozen=True)
class Texts:
    """All note text of one modality, in source order."""

    items: tuple[Text, ...]


Shape = Array | Measurements | Events | Texts


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
    """What turned out to be true of a case. `value` None means unknown."""

    case_id: str
    diagnosis: str
    value: bool | None


def as_json(case: Case) -> dict[str, Any]:
    """`case` as JSON-compatible values; arrays by digest only (pixels are stored apart)."""
    return {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "decision_time": _time(case.decision_time),
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


def shape_as_json(shape: Shape) -> dict[str, Any]:
    """One input as JSON-compatible values, with its shape's name under "shape"."""
    match shape:
        case Array():
            return _array_as_json(shape)
        case Measurements():
            return {
                "shape": "measurements",
                "items": [
                    {
                        "code": m.code,
                        "name": m.name,
                        "value": m.value,
                        "unit": m.unit,
                        "time": _time(m.time),
                        "raw_value": m.raw_value,
                        "raw_unit": m.raw_unit,
                        "reference": list(m.reference),
                        "problem": m.problem,
                    }
                    for m in shape.items
                ],
            }
        case Events():
            return {
                "shape": "events",
                "age_years": shape.age_years,
                "sex": shape.sex,
                "items": [
                    {
                        "code": e.code,
                        "display": e.display,
                        "onset": _time(e.onset),
                        "present": e.present,
                    }
                    for e in shape.items
                ],
            }
        case Texts():
            return {
                "shape": "texts",
                "items": [
                    {"section": t.section, "text": t.text, "time": _time(t.time)}
                    for t in shape.items
                ],
            }


def _array_as_json(array: Array) -> dict[str, Any]:
    data: dict[str, Any] = {
        "shape": "array",
        "digest": array.digest,
        "size": list(array.values.shape),
        "axes": list(array.axes),
        "spacing": list(array.spacing) if array.spacing else None,
        "window": list(array.window) if array.window else None,
        "source": dict(array.source),
    }
    # Left out where there are none, so that digests of cases stored before it hold.
    if array.windows:
        data["windows"] = [window.as_json(stated) for stated in array.windows]
    return data


def from_json(data: Mapping[str, Any], pixels: Mapping[str, NDArray[np.float32]]) -> Case:
    """Rebuild a case from `as_json` and the arrays it refers to, keyed by digest.

    An array whose digest is not in `pixels` is left out of the inputs.
    """
    inputs: dict[str, Shape] = {}
    for name, shape in data["inputs"].items():
        if shape["shape"] == "array":
            if shape["digest"] in pixels:
                inputs[name] = Array(
                    pixels[shape["digest"]],
                    tuple(shape["axes"]),
                    tuple(shape["spacing"]) if shape["spacing"] else None,
                    (shape["window"][0], shape["window"][1]) if shape["window"] else None,
                    shape["source"],
                    windows=tuple(window.from_json(stated) for stated in shape.get("windows", ())),
                )
        else:
            inputs[name] = _table_from_json(shape)
    return Case(
        data["case_id"],
        data["patient_id"],
        _parse(data["decision_time"]),
        inputs,
        data["site"],
        tuple(Problem(**problem) for problem in data["problems"]),
    )


def _table_from_json(shape: Mapping[str, Any]) -> Shape:
    items = shape["items"]
    match shape["shape"]:
        case "measurements":
            return Measurements(
                tuple(
                    Measurement(
                        **{
                            **m,
                            "time": _parse(m["time"]),
                            "reference": (m["reference"][0], m["reference"][1]),
                        }
                    )
                    for m in items
                )
            )
        case "events":
            events = tuple(Event(**{**e, "onset": _parse(e["onset"])}) for e in items)
            return Events(events, shape["age_years"], shape["sex"])
        case "texts":
            return Texts(tuple(Text(**{**t, "time": _parse(t["time"])}) for t in items))
        case unknown:
            raise ValueError(f"unknown shape {unknown!r}")


def input_digest(case: Case) -> str:
    """SHA-256 of everything a model may see of `case`: decision time and inputs."""
    seen = as_json(case)
    return canonical.digest({"decision_time": seen["decision_time"], "inputs": seen["inputs"]})


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _parse(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
