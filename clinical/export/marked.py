"""What each reader marked on the images of a case, as pictures with numbers and as a list.

A key image is shown with the window that its reader chose it with. Every other image with marks is
shown once, with its own window.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from xml.etree import ElementTree

from sqlalchemy import Connection

from clinical.case.assessment import AuditEvent
from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.case.window import Window
from clinical.formatting import moment
from clinical.modalities import kit
from clinical.modalities.kit import Layer, Picture
from clinical.modalities.radiograph import picture
from clinical.review import marking, marks
from clinical.review.marks import Mark, Shown
from clinical.review.measured import Point

COLOUR, UNDER = "#ffe27a", "#000000"
PARTS = 300  # of the longer side, one is the width of a line
BARB = 0.45  # half the opening of an arrow, radians
_Place = tuple[str, int]  # digest of the image, and frame


@dataclass(frozen=True)
class MarkRow:
    """One mark in words; `number` is what it goes by on its picture."""

    number: int
    image: str
    kind: str
    words: str


@dataclass(frozen=True)
class MarkedPage:
    """What one reader marked on a case.

    Attributes:
        reader, time, sequence: who, when, and the number of the event.
        pictures: key images, and images with marks on them.
        rows: all marks on images that the case has.
        left_out: number of marks on images of an earlier version of the case.
    """

    reader: str
    time: str
    sequence: int
    pictures: tuple[Picture, ...]
    rows: tuple[MarkRow, ...]
    left_out: int


def pages(connection: Connection, case: Case, past: Iterable[AuditEvent]) -> Iterator[MarkedPage]:
    """One for each reader who has marks on the case, in the order in which they were recorded.

    Raises:
        StoreError: if the store does not hold what an event names.
        ReviewError: if a later version wrote it.
    """
    images = {array.digest: array for _, array in kit.arrays(case)}
    for marked in sorted(marking.standing(past).values(), key=lambda one: one.sequence):
        found = marking.marks_of(connection, marked)
        shown = [(n, mark) for n, mark in marks.numbered(found) if mark.digest in images]
        if found:
            yield MarkedPage(
                marked.reader,
                moment(marked.recorded),
                marked.sequence,
                tuple(_pictures(shown, images)),
                tuple(_row(number, mark, images[mark.digest]) for number, mark in shown),
                len(found) - len(shown),
            )


def _row(number: int, mark: Mark, array: Array) -> MarkRow:
    frame = f", frame {mark.frame}" if array.values.ndim > 2 else ""
    name = f"{mark.image.replace('_', ' ')}{frame}"
    return MarkRow(number, name, marks.NAMES[mark.kind], marks.words(mark))


def _pictures(shown: Sequence[tuple[int, Mark]], images: dict[str, Array]) -> Iterator[Picture]:
    for place in dict.fromkeys((mark.digest, mark.frame) for _, mark in shown):
        here = [(n, mark) for n, mark in shown if (mark.digest, mark.frame) == place]
        keys = [(n, mark) for n, mark in here if mark.kind == "key"]
        drawn = [(n, mark) for n, mark in here if mark.kind != "key"]
        for number, mark in keys or [(0, replace(drawn[0][1], window=None))]:
            made = _framed(mark, images[mark.digest])
            caption = ", ".join(
                part
                for part in (
                    f"{number}: key image" if number else "",
                    _row(number, mark, images[mark.digest]).image,
                    marks.words(mark) if number else "window of the image",
                )
                if part
            )
            layers = (_layer(drawn, made.width, made.height),) if drawn else ()
            yield replace(made, caption=caption, layers=layers)


def _framed(mark: Mark, array: Array) -> Picture:
    chosen = mark.window
    window = _window(chosen, array) if chosen else None
    inverted = chosen is not None and chosen.inverted
    return picture.framed(mark.image, array, mark.frame, window, inverted=inverted)


def _window(shown: Shown, array: Array) -> Window | None:
    """A table is the image's own; none where it has no such table."""
    if shown.function != "LUT":
        return Window(shown.function, shown.centre, shown.width)
    tables = (one for one in array.windows if one.function == "LUT")
    return next(
        (one for one in tables if math.isclose(one.centre, shown.centre, rel_tol=1e-4)), None
    )


def _layer(drawn: Sequence[tuple[int, Mark]], width: int, height: int) -> Layer:
    root = ElementTree.Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}"
    )
    unit = max(width, height) / PARTS
    for number, mark in drawn:
        for line in _lines(mark, unit):
            _stroke(root, line, UNDER, 3 * unit)
            _stroke(root, line, COLOUR, unit)
        _number(root, number, mark.points, (width, height), unit)
    data = base64.b64encode(ElementTree.tostring(root)).decode()
    return Layer(f"data:image/svg+xml;base64,{data}", 0, 0, width, height)


def _lines(mark: Mark, unit: float) -> list[Sequence[Point]]:
    points = mark.points
    match mark.kind:
        case "rectangle":
            (left, top), (right, bottom) = points
            return [[(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]]
        case "arrow":
            return [points, _head(points, 8 * unit)]
        case "text":
            (column, row) = points[0]
            return [[(column - unit, row), (column + unit, row)]]
    return [points]


def _head(points: Sequence[Point], size: float) -> list[Point]:
    (x, y), (from_x, from_y) = points
    along = math.atan2(from_y - y, from_x - x)
    barbs = [
        (x + size * math.cos(along + turn), y + size * math.sin(along + turn))
        for turn in (BARB, -BARB)
    ]
    return [barbs[0], (x, y), barbs[1]]


def _stroke(root: ElementTree.Element, points: Sequence[Point], colour: str, width: float) -> None:
    for (x0, y0), (x1, y1) in pairwise(points):
        ends = {"x1": x0, "y1": y0, "x2": x1, "y2": y1}
        look = {"stroke": colour, "stroke-width": f"{width:.2f}", "stroke-linecap": "round"}
        ElementTree.SubElement(root, "line", {n: f"{v:.2f}" for n, v in ends.items()} | look)


def _number(
    root: ElementTree.Element,
    number: int,
    points: Sequence[Point],
    size: tuple[int, int],
    unit: float,
) -> None:
    """The number beside the last point, inside the picture, on a dark ground."""
    tall = 10 * unit
    wide = tall * (0.4 + 0.6 * len(str(number)))
    x = min(points[-1][0] + 4 * unit, size[0] - wide)
    y = min(max(points[-1][1], tall), size[1] - tall / 2)
    ground = {"x": x, "y": y - tall, "width": wide, "height": 1.3 * tall}
    look = {"fill": UNDER, "fill-opacity": "0.6"}
    ElementTree.SubElement(root, "rect", {n: f"{v:.2f}" for n, v in ground.items()} | look)
    place = {"x": f"{x + 0.2 * tall:.2f}", "y": f"{y:.2f}", "font-size": f"{tall:.2f}"}
    look = {"fill": COLOUR, "font-family": "Liberation Sans"}
    ElementTree.SubElement(root, "text", place | look).text = str(number)
