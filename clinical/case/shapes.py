"""The four closed shapes of an input: `Arrays`, `Measurements`, `Events`, `Texts`.

Modality names are open, shapes are not. Every shape has `items`, in source order: images or traces
of one kind, values, coded events, sections of text. What an item means, how it is read, encoded and
said in words is a modality's own affair (`clinical.modalities.kit`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from clinical.case import window
from clinical.case.window import Window

Sex = Literal["female", "male"]
Bound = Literal["", "<", ">", "≤", "≥"]


@dataclass(frozen=True, eq=False)
class Array:
    """One sampled signal: a radiograph, an ECG, a volume.

    Intensity convention of images: float32, **larger is brighter is denser** (bone white, air
    black), the output of the modality LUT or rescale. MONOCHROME1 has already been inverted. The
    scale is the device's own; only `window` says what part of it to look at.

    Attributes:
        values: read-only float32, one dimension per name in `axes`.
        axes: for a radiograph ("row", "column"), for an ECG ("lead", "time").
        spacing: step along each axis, or None where the source does not say: mm along row, column
            and slice, s along frame and time, 1 along an axis whose positions have names.
        digest: SHA-256 over shape and little-endian float32 bytes of `values`.
        window: centre and width to display with, in the unit of `values`, or None.
        windows: every window and table of the file, the one to open with first; empty where
            `window` is all that it says.
        source: where it came from: SOPInstanceUID, TransferSyntaxUID, view, ... Never a name.
        unit: UCUM unit of `values`, or "" where the scale is the device's own.
        names: axis to the name of each of its positions, where they have names ("lead": "I", ...).
    """

    values: NDArray[np.float32]
    axes: tuple[str, ...] = ("row", "column")
    spacing: tuple[float, ...] | None = None
    window: tuple[float, float] | None = None
    source: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    windows: tuple[Window, ...] = ()
    unit: str = ""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, dtype="<f4")
        if values.ndim != len(self.axes):
            raise ValueError(f"{values.ndim} dimensions but axes {self.axes}")
        if values.base is not None or values is self.values:
            values = values.copy()
        values.flags.writeable = False
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "source", MappingProxyType(dict(self.source)))
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))
        object.__setattr__(self, "digest", pixel_digest(values))


def pixel_digest(values: NDArray[np.float32]) -> str:
    """SHA-256 over the shape and the little-endian float32 bytes of `values`."""
    state = hashlib.sha256(repr(values.shape).encode())
    state.update(np.ascontiguousarray(values, dtype="<f4").tobytes())
    return state.hexdigest()


@dataclass(frozen=True, eq=False)
class Arrays:
    """All images or traces of one modality, the one to look at first in front."""

    items: tuple[Array, ...]

    @property
    def arrays(self) -> tuple[Array, ...]:
        """What is stored apart from the record of a case, by its digest."""
        return self.items


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
        bound: "<", ">", "≤" or "≥" where the assay only said that the true value is below
            or above `value`; "" where `value` was measured.
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
    bound: Bound = ""


@dataclass(frozen=True)
class Measurements:
    """All measurements of one modality, in source order."""

    items: tuple[Measurement, ...]
    arrays: ClassVar[tuple[Array, ...]] = ()


@dataclass(frozen=True)
class Event:
    """One coded item of history: a condition, a symptom, a drug, an examination finding.

    Attributes:
        code: ICD-10, ICD-9-CM, SNOMED CT, ATC (`clinical.terms.codes` has the forms), or
            `source:name` where no code is given.
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
    arrays: ClassVar[tuple[Array, ...]] = ()


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
    arrays: ClassVar[tuple[Array, ...]] = ()


Shape = Arrays | Measurements | Events | Texts


def shape_as_json(shape: Shape) -> dict[str, Any]:
    """One input as JSON-compatible values, with its shape's name under "shape"."""
    match shape:
        case Arrays():
            # One alone is written as it was before there could be several, so that digests hold.
            items = [_array_as_json(item) for item in shape.items]
            return items[0] if len(items) == 1 else {"shape": "arrays", "items": items}
        case Measurements():
            return {
                "shape": "measurements",
                "items": [_measurement_as_json(m) for m in shape.items],
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
                        "onset": time_as_json(e.onset),
                        "present": e.present,
                    }
                    for e in shape.items
                ],
            }
        case Texts():
            return {
                "shape": "texts",
                "items": [
                    {"section": t.section, "text": t.text, "time": time_as_json(t.time)}
                    for t in shape.items
                ],
            }


def _measurement_as_json(m: Measurement) -> dict[str, Any]:
    data: dict[str, Any] = {
        "code": m.code,
        "name": m.name,
        "value": m.value,
        "unit": m.unit,
        "time": time_as_json(m.time),
        "raw_value": m.raw_value,
        "raw_unit": m.raw_unit,
        "reference": list(m.reference),
        "problem": m.problem,
    }
    # Left out where the value was measured, so that digests of cases stored before it hold.
    return {**data, "bound": m.bound} if m.bound else data


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
    if array.unit:
        data["unit"] = array.unit
    if array.names:
        data["names"] = {axis: list(names) for axis, names in array.names.items()}
    return data


def shape_from_json(
    shape: Mapping[str, Any], pixels: Mapping[str, NDArray[np.float32]]
) -> Shape | None:
    """Rebuild an input from `shape_as_json` and the arrays it refers to, keyed by digest.

    An array whose digest is not in `pixels` is left out; None where none of them is there.
    """
    if shape["shape"] not in ("array", "arrays"):
        return _table_from_json(shape)
    stated = shape["items"] if shape["shape"] == "arrays" else [shape]
    found = [_array_from_json(item, pixels) for item in stated if item["digest"] in pixels]
    return Arrays(tuple(found)) if found else None


def _array_from_json(data: Mapping[str, Any], pixels: Mapping[str, NDArray[np.float32]]) -> Array:
    return Array(
        pixels[data["digest"]],
        tuple(data["axes"]),
        tuple(data["spacing"]) if data["spacing"] else None,
        (data["window"][0], data["window"][1]) if data["window"] else None,
        data["source"],
        windows=tuple(window.from_json(stated) for stated in data.get("windows", ())),
        unit=data.get("unit", ""),
        names={axis: tuple(names) for axis, names in data.get("names", {}).items()},
    )


def digests_of(shape: Mapping[str, Any]) -> tuple[str, ...]:
    """Digests of the arrays that the JSON form of an input refers to."""
    match shape["shape"]:
        case "array":
            return (shape["digest"],)
        case "arrays":
            return tuple(item["digest"] for item in shape["items"])
        case _:
            return ()


def sources_of(shape: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    """`Array.source` of each array in the JSON form of an input."""
    match shape["shape"]:
        case "array":
            return (shape["source"],)
        case "arrays":
            return tuple(item["source"] for item in shape["items"])
        case _:
            return ()


def _table_from_json(shape: Mapping[str, Any]) -> Shape:
    items = shape["items"]
    match shape["shape"]:
        case "measurements":
            return Measurements(
                tuple(
                    Measurement(
                        **{
                            **m,
                            "time": time_from_json(m["time"]),
                            "reference": (m["reference"][0], m["reference"][1]),
                        }
                    )
                    for m in items
                )
            )
        case "events":
            events = tuple(Event(**{**e, "onset": time_from_json(e["onset"])}) for e in items)
            return Events(events, shape["age_years"], shape["sex"])
        case "texts":
            return Texts(tuple(Text(**{**t, "time": time_from_json(t["time"])}) for t in items))
        case unknown:
            raise ValueError(f"unknown shape {unknown!r}")


def time_as_json(value: datetime | None) -> str | None:
    """ISO 8601, or None where the time is not known."""
    return value.isoformat() if value else None


def time_from_json(value: str | None) -> datetime | None:
    """The inverse of `time_as_json`."""
    return datetime.fromisoformat(value) if value else None
