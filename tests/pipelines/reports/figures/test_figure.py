"""A figure knows what its SVG says, so that nobody has to read it there."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from printed_file import unpacked

from pipelines.reports import html, pdf
from pipelines.reports.blocks import Document, Figures
from pipelines.reports.figures.figure import Figure, figure

WORDS = 'AUROC "of" <two> & more'
DOT = '<circle cx="5" cy="5" r="3"/>'


def page(drawn: Figure) -> Document:
    return Document("Study x", "made up", (Figures(("one",)),), {"one": drawn})


def test_size_and_words_are_those_of_the_svg() -> None:
    drawn = figure([DOT], 120, 80.5, WORDS)
    root = ElementTree.fromstring(drawn.svg)
    assert (drawn.width, drawn.height, drawn.words) == (120, 80.5, WORDS)
    assert (root.get("width"), root.get("height")) == ("120", "80.5")
    assert root.get("viewBox") == "0 0 120 80.5"
    assert root.get("aria-label") == WORDS
    assert [part.tag.split("}")[1] for part in root] == ["title", "rect", "circle"]


def test_a_page_shows_the_svg_as_it_is() -> None:
    drawn = figure([DOT], 120, 80, WORDS)
    assert f"<figure>{drawn.svg}</figure>" in html.page(page(drawn))


def test_a_print_says_the_words_of_the_figure_and_not_those_of_its_svg() -> None:
    drawn = replace(figure([DOT], 120, 80, "in the file"), words="of the value")
    inside = unpacked(pdf.printed(page(drawn)))
    assert b"/Alt(of the value)" in inside
    assert b"in the file" not in inside


def test_a_tall_figure_stays_on_its_page_and_keeps_its_shape() -> None:
    inside = unpacked(pdf.printed(page(figure([DOT], 100, 200, "a dot"))))
    found = re.search(rb"/Placement/Block/BBox\[([0-9. ]+)\]", inside)
    assert found
    left, bottom, right, top = map(float, found[1].split())
    assert top - bottom == pytest.approx(190 / 25.4 * 72, abs=0.1)
    assert right - left == pytest.approx((top - bottom) / 2, abs=0.1)
