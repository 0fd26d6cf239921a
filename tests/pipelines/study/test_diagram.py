"""The diagram holds every count, and all text stays inside its box."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.study.diagram import FONT, WIDTH, flow_diagram, text_width, wrapped
from pipelines.study.flow import Flow, Part, Share
from pipelines.study.selection import Counts, Step

SVG = "{http://www.w3.org/2000/svg}"
STEPS = (
    Step("Adults", "include", "age 18 to 120", Counts(95, 80), Counts(5, 4), Counts(90, 76), 2),
    Step(
        "Decided after the change of the laboratory system and its units, at all sites",
        "exclude",
        "decided 2022-01-01 to 2023-12-31",
        Counts(90, 76),
        Counts(12, 6),
        Counts(78, 70),
        0,
    ),
)
LABELS = {
    "pneumonia": Share(7, 41),
    "a diagnosis with a <very> long & winding name": Share(11, 43),
    "pseudopseudohypoparathyroidism": Share(0, 0),
}


def part(name: str, cases: int = 31) -> Part:
    return Part(name, Counts(cases, 29), LABELS)


def drawn(parts: int = 3, steps: tuple[Step, ...] = STEPS, **changes: dict[str, int]) -> Flow:
    skipped = changes.get("skipped", {"the file is broken": 4, "no image & no <row>": 1})
    left_out = changes.get("left_out", {"earlier cases of tested patients": 9})
    boxes = tuple(part(f"fold {n + 1}", 31 + n) for n in range(parts))
    chosen = steps[-1].left if steps else Counts(95, 80)
    return Flow(100, skipped, Counts(95, 80), steps, chosen, left_out, boxes)


def boxes_of(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every box; the first rectangle is the page."""
    found = []
    for rect in root.findall(f"{SVG}rect")[1:]:
        x, y, width, height = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


def texts_of(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.findall(f"{SVG}text")]


VARIANTS = {
    "everything": drawn(),
    "no rules": drawn(steps=()),
    "no split": drawn(parts=0),
    "nothing but the cohort": drawn(0, (), skipped={}, left_out={}),
    "nothing skipped": drawn(2, skipped={}, left_out={}),
    "one part": drawn(1),
    "five folds": drawn(5),
    "nine sites": drawn(9),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_it_is_well_formed_and_every_line_of_text_lies_in_one_box(name: str) -> None:
    root = ElementTree.fromstring(flow_diagram(VARIANTS[name]).svg)
    height = float(root.attrib["height"])
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} {height:g}"
    boxes = boxes_of(root)
    for left, top, right, bottom in boxes:
        assert (left >= 0, top >= 0, right <= WIDTH, bottom <= height) == (True,) * 4
    for one, other in combinations(boxes, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart, f"{one} and {other} overlap"
    for text in root.findall(f"{SVG}text"):
        x, y = float(text.attrib["x"]), float(text.attrib["y"])
        wide = text_width(text.text or "", bold="font-weight" in text.attrib)
        start = x - {"start": 0.0, "middle": wide / 2, "end": wide}[text.attrib["text-anchor"]]
        inside = [b for b in boxes if b[0] < start and start + wide < b[2] and b[1] < y < b[3]]
        assert len(inside) == 1, text.text


@pytest.mark.parametrize("name", VARIANTS)
def test_every_arrow_points_at_the_edge_of_a_box(name: str) -> None:
    root = ElementTree.fromstring(flow_diagram(VARIANTS[name]).svg)
    boxes = boxes_of(root)
    paths = [path.attrib["d"] for path in root.findall(f"{SVG}path")]
    down = [re.match(r"M(\S+) (\S+)l-4 -8h8z", d) for d in paths]
    right = [re.match(r"M(\S+) (\S+)l-8 -4v8z", d) for d in paths]
    tops = [(float(m[1]), float(m[2])) for m in down if m]
    lefts = [(float(m[1]), float(m[2])) for m in right if m]
    # All boxes but the first are led to, once each.
    assert len(tops) + len(lefts) == len(boxes) - 1
    for x, y in tops:
        assert any(b[0] < x < b[2] and b[1] == pytest.approx(y, abs=0.01) for b in boxes)
    for x, y in lefts:
        assert any(b[1] < y < b[3] and b[0] == pytest.approx(x, abs=0.01) for b in boxes)


def test_every_count_and_reason_is_written() -> None:
    found = flow_diagram(drawn()).svg
    said = " ".join(texts_of(ElementTree.fromstring(found)))
    for words in (
        "Cases of the cohort 100 cases",
        "Could not be read 5 the file is broken 4 no image & no <row> 1",
        "Read 95 cases of 80 patients",
        "Not included: Adults (age 18 to 120) 5 cases removed; 4 patients have no case left",
        "2 of these: not judged, the value is missing",
        "90 cases of 76 patients",
        "12 cases removed; 6 patients have no case left",
        "Eligible 78 cases of 70 patients",
        "Not used 9 earlier cases of tested patients 9",
        "fold 1 31 cases of 29 patients positive of known: pneumonia 7 of 41",
        "fold 3 33 cases of 29 patients",
        "11 of 43",
        "none known",
    ):
        assert words in said


def test_percentages_stand_where_there_is_room() -> None:
    assert "7 of 41 (17.1%)" in flow_diagram(drawn(parts=1)).svg
    assert "(17.1%)" not in flow_diagram(drawn(parts=8)).svg


def test_it_refers_to_nothing_outside_and_clashes_with_no_page() -> None:
    found = flow_diagram(drawn()).svg
    for never in ("href", "url(", "<style", "<script", " id=", "@import"):
        assert never not in found
    assert found.count("http") == 1  # the namespace


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="aiWm M-é7", max_size=60), st.floats(3 * FONT, 400))
def test_wrapping_keeps_every_letter_and_the_width(text: str, width: float) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(text_width(line) <= width for line in lines)
    if all(text_width(word) <= width for word in text.split()):
        assert " ".join(lines).split() == text.split()
