"""Figures are well-formed SVG that stands by itself, and values lie where they should."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from pipelines.reports.figures.axes import LEFT, PLOT, TOP, Axes
from pipelines.reports.figures.figure import Figure
from pipelines.study.figures.curves import decision, reliability, roc
from pipelines.study.figures.forest import forest

AREA = {"value": 0.8, "low": 0.7, "high": 0.9, "cases": 50, "positives": 20}
NOTHING = {"value": None, "low": None, "high": None, "cases": 0, "positives": 0}


def net(threshold: float, value: float | None) -> dict[str, object]:
    return {"threshold": threshold, "model": {"value": value}, "treat_all": 0.3 - threshold}


def drawn() -> dict[str, Figure]:
    bins = [{"predicted": 0.2, "observed": 0.1, "low": 0.0, "high": 0.3, "cases": 9}]
    groups = [{"column": "sex", "name": "female <x>", "auroc": AREA}]
    groups.append({"column": "sex", "name": "male", "auroc": NOTHING})
    return {
        "roc": roc("a & b", {"ours": [[0, 0], [0.2, 0.9], [1, 1]], "none": []}, ["0.9", "-"]),
        "reliability": reliability("a & b", {"ours": bins, "recalibrated": []}),
        "decision": decision("a & b", {"ours": [net(0.1, 0.2), net(0.2, None), net(0.3, 0.1)]}),
        "forest": forest("a & b", AREA, groups),
    }


@pytest.mark.parametrize("kind", ["roc", "reliability", "decision", "forest"])
def test_a_figure_is_well_formed_and_loads_nothing(kind: str) -> None:
    figure = drawn()[kind]
    svg = figure.svg
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "a & b" in figure.words
    assert not [word for word in ("<script", "<style", "href", "url(", " id=") if word in svg]
    assert all(
        float(t.get("y") or 0) < figure.height for t in root.iter() if t.tag.endswith("text")
    )


def test_corners_of_the_axes_are_corners_of_the_plot() -> None:
    axes = Axes("", "", "", (0, 1), (0, 2), (), ())
    assert axes.at(0, 0) == (LEFT, TOP + axes.height)
    assert axes.at(1, 2) == (LEFT + PLOT, TOP)
    assert axes.at(9, -9) == axes.at(1, 0)


def test_a_group_without_a_figure_says_so() -> None:
    assert "not defined" in drawn()["forest"].svg
    assert "female &lt;x&gt;" in drawn()["forest"].svg
