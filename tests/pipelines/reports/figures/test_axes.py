"""Curves are told apart: by colour, and without it by their dashes."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.reports.figures.axes import COLOURS, DASHES, Axes, curve, legend, style

AXES = Axes("", "", "", (0, 1), (0, 1), (), ())
TO_CONES = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
FROM_CONES = np.array(
    [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
)


def linear(colour: str) -> NDArray[np.float64]:
    """Red, green and blue of #rrggbb as light, 0 to 1 (IEC 61966-2-1)."""
    stated = np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)]) / 255
    return np.where(stated <= 0.04045, stated / 12.92, ((stated + 0.055) / 1.055) ** 2.4)


def oklab(colour: str) -> NDArray[np.float64]:
    """Lightness and two axes of colour in which distance is about how different two look."""
    return np.asarray(FROM_CONES @ np.cbrt(TO_CONES @ linear(colour)))


def test_no_two_of_twelve_curves_share_a_colour_or_a_dash() -> None:
    styles = [style(number) for number in range(12)]
    assert len({colour for colour, _ in styles}) == len({dash for _, dash in styles}) == 12


def test_no_two_of_many_curves_look_the_same() -> None:
    many = len(COLOURS) * len(DASHES)
    assert len({style(number) for number in range(many)}) == many == 144


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_stands_out_from_paper(colour: str) -> None:
    light = float(linear(colour) @ (0.2126, 0.7152, 0.0722))
    assert 1.05 / (light + 0.05) >= 3  # WCAG 2.2, 1.4.11


def test_no_two_colours_are_nearly_the_same() -> None:
    nearest = min(np.linalg.norm(oklab(a) - oklab(b)) for a, b in combinations(COLOURS, 2))
    assert nearest > 0.05


@pytest.mark.parametrize("number", [0, 6, 12])
def test_the_legend_shows_a_curve_as_it_is_drawn(number: int) -> None:
    drawn, shown = curve(AXES, [(0, 0), (1, 1)], number), legend({number: "ridge"}, 0)[0]
    look = r'stroke="#[0-9a-f]{6}"|stroke-dasharray="[0-9 ]+"'
    assert re.findall(look, drawn) == re.findall(look, shown) != []
