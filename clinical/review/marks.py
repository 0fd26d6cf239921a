"""What a reader marked on an image: lengths, angles, rectangles, arrows, words, and key images.

The browser tells of marks with the click that decides (`read` takes nothing else than what fits).
They have what a DICOM structured report asks for: the image by its digest and, where it came from
DICOM, its instance, the frame, the points in pixels of that image, each number with its UCUM unit,
and what a millimetre is there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from clinical import canonical
from clinical.case.shapes import Array
from clinical.case.window import Function
from clinical.errors import ReviewError
from clinical.modalities.radiograph import unstated
from clinical.review import measured
from clinical.review.measured import Point, Value

Kind = Literal["length", "angle", "rectangle", "arrow", "text", "key"]
POINTS: Mapping[str, int] = {
    "length": 2,
    "angle": 3,
    "rectangle": 2,
    "arrow": 2,
    "text": 1,
    "key": 0,
}
NAMES: Mapping[str, str] = {
    "length": "Length",
    "angle": "Angle",
    "rectangle": "Rectangle",
    "arrow": "Arrow",
    "text": "Text",
    "key": "Key image",
}
FUNCTIONS: tuple[Function, ...] = ("LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT")
MOST = 100  # of one reader on one image
LONGEST = 200  # characters of the words of one mark
VERSION = 1


@dataclass(frozen=True)
class Shown:
    """The window that a key image was chosen with, in the unit of the image."""

    function: Function
    centre: float
    width: float
    inverted: bool = False


@dataclass(frozen=True)
class Mark:
    """One mark on one image.

    Attributes:
        kind: what it is. An arrow begins at what it points at; the second point of an angle is its
            corner; a key image has no points.
        image: name of the image, as its reader chose it.
        digest: of the image (`Array.digest`).
        instance: SOP Instance UID, or "" where the image did not come from DICOM.
        turned: how the image was turned when it was read, or "": the points are of the turned one.
        frame: from 1.
        points: columns and rows in pixels of the image; the outer corner of the first pixel is
            (0, 0), as in PS3.3 C.18.6.
        values: what it measures.
        calibration: the attribute that says what a millimetre is, or "".
        text: the words of an arrow, or those that are all of the mark.
        window: of a key image.
    """

    kind: Kind
    image: str
    digest: str
    instance: str
    turned: str
    frame: int
    points: tuple[Point, ...]
    values: tuple[Value, ...] = ()
    calibration: str = ""
    text: str = ""
    window: Shown | None = None


def read(report: object, images: Mapping[str, Array]) -> dict[str, tuple[Mark, ...]] | None:
    """What the browser told of each image that it showed; None where it told nothing that can be.

    Args:
        report: JSON-compatible; everything in it is checked.
        images: name to image, of all images of the case.
    """
    if not isinstance(report, Mapping):
        return None
    try:
        return {str(name): _of_image(str(name), images[name], report[name]) for name in report}
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def told(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """The same for the browser, which has the image."""
    names = ("kind", "frame", "points", "text", "window")
    return [{name: data[name] for name in names} for data in map(asdict, marks)]


def as_text(marks: Sequence[Mark]) -> str:
    """Canonical JSON, for the store."""
    return canonical.text({"version": VERSION, "marks": [asdict(mark) for mark in marks]})


def from_text(text: str) -> tuple[Mark, ...]:
    """The inverse of `as_text`.

    Raises:
        ReviewError: if it holds no marks, or those of a later version.
    """
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError("another version")
        return tuple(_from_json(one) for one in data["marks"])
    except (KeyError, TypeError, ValueError):
        raise ReviewError(
            "Marks on an image are recorded in a form that this version does not read.",
            remedy="open the record with the version that wrote it.",
        ) from None


def numbered(found: Iterable[Mark]) -> Iterator[tuple[int, Mark]]:
    """Each mark with the number that the viewer gives it: every image counts from 1."""
    last: dict[str, int] = {}
    for mark in found:
        last[mark.image] = last.get(mark.image, 0) + 1
        yield last[mark.image], mark


def words(mark: Mark) -> str:
    """What a mark says, without its kind: "25.0 mm", "window 40/400, frame 2"; may be ""."""
    if mark.window is None:
        return mark.text or measured.said(mark.values, mark.calibration)
    kind = {"SIGMOID": " (sigmoid)", "LUT": " (table)"}.get(mark.window.function, "")
    greys = ", greys inverted" if mark.window.inverted else ""
    shown = f"{measured.plain(mark.window.centre)}/{measured.plain(mark.window.width)}"
    return f"window {shown}{kind}{greys}"


def _of_image(name: str, array: Array, listed: Sequence[Mapping[str, Any]]) -> tuple[Mark, ...]:
    if len(listed) > MOST:
        raise ValueError("too many")
    return tuple(_mark(name, array, one) for one in listed)


def _mark(name: str, array: Array, data: Mapping[str, Any]) -> Mark:
    kind = cast(Kind, data["kind"])
    points = tuple(_point(point, array) for point in data["points"])
    frame = int(_number(data["frame"]))
    frames = array.values.shape[0] if array.values.ndim > 2 else 1
    text = str(data["text"]).strip()
    if POINTS[kind] != len(points) or not 1 <= frame <= frames:
        raise ValueError("not where the image is")
    text.encode()  # half a character
    if len(text) > LONGEST or (kind != "arrow" and bool(text) != (kind == "text")):
        raise ValueError("words where there are none, or none")
    return Mark(
        kind,
        name,
        array.digest,
        array.source.get("SOPInstanceUID", ""),
        array.source.get("turned", ""),
        frame,
        points,
        measured.values_of(kind, array, frame, points),
        unstated.spacing_from(array) if kind in ("length", "rectangle") else "",
        text,
        _window(data["window"]) if kind == "key" else None,
    )


def _window(data: Mapping[str, Any]) -> Shown:
    if data["function"] not in FUNCTIONS:
        raise ValueError("no such function")
    inverted = data["inverted"] is True
    return Shown(data["function"], _number(data["centre"]), _number(data["width"]), inverted)


def _point(point: Sequence[object], array: Array) -> Point:
    column, row = (_number(part) for part in point)
    rows, columns = array.values.shape[-2:]
    if not (0 <= column <= columns and 0 <= row <= rows):
        raise ValueError("beside the image")
    return column, row


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)


def _from_json(data: Mapping[str, Any]) -> Mark:
    window = data["window"]
    return Mark(
        **{
            **data,
            "points": tuple((point[0], point[1]) for point in data["points"]),
            "values": tuple(Value(**value) for value in data["values"]),
            "window": None if window is None else Shown(**window),
        }
    )
