"""Marks: only what fits is taken, it measures what the image says, and it comes back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from clinical.case.shapes import Array
from clinical.errors import ReviewError
from clinical.review import marks
from clinical.review.marks import Mark

FILM = Array(
    np.arange(30, dtype=np.float32).reshape(5, 6),
    spacing=(0.5, 0.2),
    source={"SOPInstanceUID": "1.2.3", "spacing_from": "ImagerPixelSpacing"},
)
LOOP = Array(np.zeros((3, 5, 6), np.float32), axes=("frame", "row", "column"))
WINDOW = {"function": "LINEAR", "centre": 40, "width": 400, "inverted": True}


def told(kind: str, *points: list[float], **changes: Any) -> dict[str, Any]:
    plain = {"kind": kind, "frame": 1, "points": list(points), "text": "", "window": None}
    return {**plain, **changes}


def read(*marked: dict[str, Any], array: Array = FILM) -> tuple[Mark, ...] | None:
    found = marks.read({"frontal": list(marked)}, {"frontal": array})
    return None if found is None else found["frontal"]


def one(kind: str, *points: list[float], array: Array = FILM, **changes: Any) -> Mark:
    found = read(told(kind, *points, **changes), array=array)
    assert found
    return found[0]


def test_a_length_has_all_that_a_structured_report_asks_for() -> None:
    mark = one("length", [0, 0], [5, 2])
    assert (mark.digest, mark.instance, mark.frame) == (FILM.digest, "1.2.3", 1)
    assert mark.points == ((0, 0), (5, 2))
    (value,) = mark.values
    assert (value.name, value.unit) == ("length", "mm")
    assert value.value == pytest.approx(math.hypot(1, 1))
    assert mark.calibration == "ImagerPixelSpacing"
    assert marks.words(mark) == "1.4 mm at detector"


def test_without_spacing_it_is_of_pixels() -> None:
    bare = Array(np.zeros((5, 6), np.float32))
    mark = one("length", [0, 0], [3, 4], array=bare)
    assert (mark.values[0].unit, marks.words(mark)) == ("{pixels}", "5 px")


@pytest.mark.parametrize(
    ("spacing", "degrees"), [((1.0, 1.0), "45.0°"), ((2.0, 1.0), "63.4°"), (None, "45.0°")]
)
def test_an_angle_is_of_millimetres_not_of_pixels(
    spacing: tuple[float, float] | None, degrees: str
) -> None:
    film = Array(np.zeros((20, 20), np.float32), spacing=spacing)
    assert marks.words(one("angle", [0, 0], [10, 0], [0, 10], array=film)) == degrees


def test_a_rectangle_says_what_the_pixels_are_whose_middle_is_inside() -> None:
    mark = one("rectangle", [3.4, 2.6], [0.6, 0.4])  # columns 1 and 2, rows 0 to 2
    numbers = {value.name: value.value for value in mark.values}
    inside = FILM.values[0:3, 1:3]
    assert numbers["mean"] == pytest.approx(inside.mean())
    assert numbers["standard deviation"] == pytest.approx(inside.std())
    assert (numbers["minimum"], numbers["maximum"], numbers["pixels"]) == (1, 14, 6)
    assert numbers["area"] == pytest.approx(2.8 * 0.2 * 2.2 * 0.5)
    assert "mean 7.5, SD 4.924, min 1, max 14, area 0.6 mm² at detector, n 6" in marks.words(mark)


def test_a_rectangle_between_pixels_has_an_area_alone() -> None:
    assert marks.words(one("rectangle", [1.6, 1.6], [1.9, 1.9])).endswith("no pixel inside")


def test_an_arrow_may_have_words_and_a_key_image_has_its_window() -> None:
    assert marks.words(one("arrow", [1, 1], [3, 3])) == ""
    assert marks.words(one("arrow", [1, 1], [3, 3], text=" nodule ")) == "nodule"
    key = one("key", frame=2, window=WINDOW, array=LOOP)
    assert marks.words(key) == "window 40/400, greys inverted"


def test_marks_come_back_from_the_store_as_they_were_and_go_to_the_browser() -> None:
    found = (
        one("rectangle", [0, 0], [2, 2]),
        one("key", window=WINDOW),
        one("text", [1, 1], text="肺"),
    )
    assert marks.from_text(marks.as_text(found)) == found
    again = marks.read({"frontal": marks.told(found)}, {"frontal": FILM})
    assert again == {"frontal": found}


@pytest.mark.parametrize("text", ['{"version":2,"marks":[]}', "a comment", "[]", '{"version":1}'])
def test_what_a_later_version_wrote_is_refused_in_words(text: str) -> None:
    with pytest.raises(ReviewError, match="does not read"):
        marks.from_text(text)


@pytest.mark.parametrize(
    "mark",
    [
        told("circle", [1, 1]),
        told("length", [1, 1]),
        told("length", [1, 1], [7, 1]),
        told("length", [1, 1], [1, float("nan")]),
        told("length", [1, True], [1, 2]),
        told("length", [1, 1], [2, 2], frame=2),
        told("length", [1, 1], [2, 2], text="words"),
        told("text", [1, 1]),
        told("text", [1, 1], text="x" * 201),
        told("text", [1, 1], text="\ud800"),
        told("key"),
        told("key", window={**WINDOW, "function": "CUBIC"}),
        {"kind": "length"},
        "length",
    ],
)
def test_anything_else_is_not_taken(mark: Any) -> None:
    assert read(mark) is None


@pytest.mark.parametrize("report", [None, [], 3, {"another image": []}, {"frontal": 3}])
def test_what_is_no_report_is_none(report: object) -> None:
    assert marks.read(report, {"frontal": FILM}) is None


def test_more_marks_than_anybody_draws_are_not_taken() -> None:
    assert read(*[told("arrow", [1, 1], [3, 3])] * (marks.MOST + 1)) is None
