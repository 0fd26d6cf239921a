"""What readers marked on the images is in the report: drawn with numbers, and in words."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from printed_file import needs_poppler, text_of
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.case.window import Window
from clinical.export import marked
from clinical.export.case_page import CasePage, case_page
from clinical.export.case_pdf import make_case_pdf
from clinical.export.marked import MarkedPage
from clinical.modalities.radiograph.picture import framed
from clinical.review import intake, marks
from clinical.review.decisions import record_decision
from clinical.workspace.database import writing

FILM = Array(
    np.arange(60 * 80, dtype=np.float32).reshape(60, 80),
    spacing=(0.5, 0.5),
    source={"spacing_from": "PixelSpacing"},
)
WINDOW = {"function": "LINEAR", "centre": 2400, "width": 100, "inverted": True}
DRAWN = [
    ("length", [[10, 10], [40, 50]], "", None),
    ("angle", [[10, 10], [40, 10], [40, 40]], "", None),
    ("rectangle", [[5, 5], [15, 15]], "", None),
    ("arrow", [[30, 30], [50, 20]], "Nodule, 結節", None),
    ("text", [[60, 40]], "left base", None),
    ("key", [], "", WINDOW),
]


def case(example: Any) -> Case:
    plain: Case = example.case()
    return replace(plain, inputs={**plain.inputs, "image": Arrays((FILM,))})


@pytest.fixture
def page(workspace: Engine, example: Any) -> MarkedPage:
    """What is marked in the pages of a case with one of each kind."""
    listed = [
        {"kind": kind, "frame": 1, "points": points, "text": text, "window": window}
        for kind, points, text, window in DRAWN
    ]
    told = marks.read({"image": listed}, {"image": FILM})
    digest, _ = example.recorded(workspace, case(example))
    intake.record_opened(workspace, "case-1", example.reader)
    with writing(workspace) as connection:
        record_decision(connection, example.decision(digest), marked=told)
        found = case_page(connection, "case-1")
    assert isinstance(found, CasePage)
    (made,) = found.marked
    return made


def test_each_mark_is_a_row_in_words(page: MarkedPage) -> None:
    assert [(row.number, row.kind, row.words) for row in page.rows] == [
        (1, "Length", "25.0 mm"),
        (2, "Angle", "90.0°"),
        (3, "Rectangle", page.rows[2].words),
        (4, "Arrow", "Nodule, 結節"),
        (5, "Text", "left base"),
        (6, "Key image", "window 2400/100, greys inverted"),
    ]
    assert page.rows[2].words.endswith("area 25.0 mm², n 100")


def test_a_key_image_is_shown_with_its_window_and_the_marks_over_it(page: MarkedPage) -> None:
    (picture,) = page.pictures
    chosen = Window("LINEAR", 2400, 100)
    assert picture.uri == framed("image", FILM, 1, chosen, inverted=True).uri
    assert picture.uri != framed("image", FILM, 1, None).uri
    assert picture.caption == "6: key image, image, window 2400/100, greys inverted"
    (layer,) = picture.layers
    assert (layer.width, layer.height) == (80, 60)
    drawing = ElementTree.fromstring(base64.b64decode(layer.uri.partition(",")[2]))
    svg = "{http://www.w3.org/2000/svg}"
    assert [text.text for text in drawing.iter(f"{svg}text")] == ["1", "2", "3", "4", "5"]
    first = next(drawing.iter(f"{svg}line"))
    assert [float(first.attrib[end]) for end in ("x1", "y1", "x2", "y2")] == [10, 10, 40, 50]


@needs_poppler
def test_it_is_in_the_pdf_of_the_case(page: MarkedPage, workspace: Engine, example: Any) -> None:
    made = make_case_pdf(workspace, "case-1", actor=example.reader, role="reader")
    words = text_of(made.data)
    assert f"Marked on the images by {page.reader}" in words
    for part in ("25.0 mm", "90.0°", "Nodule, 結節", "left base", "6: key image"):
        assert part in words


def test_marks_on_a_film_that_was_replaced_are_counted_not_drawn(
    page: MarkedPage, workspace: Engine, example: Any
) -> None:
    with writing(workspace) as connection:
        past = ledger.events(connection, case_id="case-1")
        (found,) = marked.pages(connection, example.case(), past)
    assert (found.rows, found.pictures, found.left_out) == ((), (), len(DRAWN))
    assert page.left_out == 0
