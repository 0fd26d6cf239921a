"""AUROC of every label for the inputs that cases have: rows of labels, columns of patterns.

Dots above a column show which inputs its cases have, as in Lex et al. 2014, IEEE Trans Vis Comput
Graph 20:1983 (UpSet). Where a pattern has too few cases of a label to judge, the cell is grey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clinical.wording import words
from pipelines.reports.figures.axes import GRID, SOFT, dot, line, text
from pipelines.reports.figures.figure import INK, Figure, figure

MACRO = "mean of labels"
LEAST, MOST = 0.5, 1.0
PALE, DARK = (232, 241, 245), (23, 78, 102)
LIGHT_TEXT = 0.86
"""From here on white is easier to read on the colour than ink."""
GREY, BELOW = "#e4e7e9", "#f3d9c9"
"""Not judged; and no better than chance."""
ACROSS = 11
"""Patterns beside each other; more go below."""
NAMES, CELL, ROW, DOTS, TOP, GAP = 210, 58, 26, 20, 48, 26
WIDTH = NAMES + CELL * ACROSS + 16
"""Always the same, so that text is as large where there are few patterns."""


@dataclass(frozen=True)
class _Pattern:
    """One column: its inputs, the cases that have just these, and label to AUROC or None."""

    inputs: tuple[str, ...]
    cases: int
    areas: Mapping[str, float | None]


def heat_map(labels: Sequence[str], groups: Sequence[Mapping[str, Any]]) -> Figure:
    """A heat map.

    Args:
        labels: in order.
        groups: of cases by the inputs that they have (`pipelines.study.subgroups.Group` as JSON,
            of the column "inputs"), each of one label.
    """
    patterns = _patterns(labels, groups)
    inputs = sorted({name for pattern in patterns for name in pattern.inputs})
    panels = [patterns[start : start + ACROSS] for start in range(0, len(patterns), ACROSS)]
    drawn = [text("AUROC by the inputs that a case has", (16, 20), bold=True)]
    y = float(TOP)
    for panel in panels:
        rows, y = _panel(labels, inputs, panel, y)
        drawn += rows
    alternative = "AUROC of each label by the inputs of a case"
    return figure([*drawn, *_key(y + 4)], WIDTH, y + 28, alternative)


def _patterns(labels: Sequence[str], groups: Sequence[Mapping[str, Any]]) -> list[_Pattern]:
    """Columns; those with most cases first."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for group in groups:
        found.setdefault(str(group["name"]), {})[str(group["label"])] = group
    columns = []
    for name, of in found.items():
        areas = {label: of[label]["auroc"]["value"] if label in of else None for label in labels}
        known = [area for area in areas.values() if area is not None]
        if len(labels) > 1:
            # A mean over fewer labels would not compare with its neighbours.
            areas[MACRO] = float(np.mean(known)) if len(known) == len(labels) else None
        cases = max(int(group["cases"]) for group in of.values())
        columns.append(_Pattern(tuple(name.split("+")), cases, areas))
    return sorted(columns, key=lambda one: (-one.cases, one.inputs))


def _panel(
    labels: Sequence[str], inputs: Sequence[str], panel: Sequence[_Pattern], y: float
) -> tuple[list[str], float]:
    """One row of patterns from y down, and where it ends."""
    drawn: list[str] = []
    for number, name in enumerate(inputs):
        drawn.append(
            text(words(name), (NAMES - 12, y + DOTS * number + 4), "end", 12, room=NAMES - 20)
        )
    cells = y + DOTS * len(inputs) + 18
    drawn.append(text("cases", (NAMES - 12, cells - 8), "end", 11))
    names = [*labels, MACRO] if len(labels) > 1 else list(labels)
    for number, name in enumerate(names):
        place = (NAMES - 12, cells + ROW * number + ROW / 2 + 4)
        drawn.append(text(words(name), place, "end", 12, bold=name == MACRO, room=NAMES - 20))
    for number, pattern in enumerate(panel):
        left = NAMES + CELL * number
        drawn += _dots(inputs, pattern, left + CELL / 2, y)
        drawn.append(text(f"{pattern.cases:,}", (left + CELL / 2, cells - 8), "middle", 11))
        for row, name in enumerate(names):
            drawn += _cell(pattern.areas[name], left, cells + ROW * row)
    return drawn, cells + ROW * len(names) + GAP


def _dots(inputs: Sequence[str], pattern: _Pattern, x: float, y: float) -> list[str]:
    there = [y + DOTS * n for n, name in enumerate(inputs) if name in pattern.inputs]
    drawn = [dot((x, y + DOTS * n), GRID, 5) for n in range(len(inputs))]
    if len(there) > 1:
        drawn.append(line([(x, there[0]), (x, there[-1])], INK, 2))
    return [*drawn, *(dot((x, level), INK, 5) for level in there)]


def _cell(area: float | None, left: float, top: float) -> list[str]:
    box = (left + 1, top + 1, CELL - 2, ROW - 2)
    if area is None:
        return [_box(box, GREY)]
    ink = "#ffffff" if area > LIGHT_TEXT else INK
    place = (left + CELL / 2, top + ROW / 2 + 4)
    return [_box(box, _colour(area)), text(f"{area:.2f}", place, "middle", 12, colour=ink)]


def _colour(area: float) -> str:
    if area < LEAST:
        return BELOW
    share = (min(area, MOST) - LEAST) / (MOST - LEAST)
    red, green, blue = (round(p + share * (d - p)) for p, d in zip(PALE, DARK, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _box(box: tuple[float, float, float, float], colour: str) -> str:
    x, y, width, height = box
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"/>'


def _key(y: float) -> list[str]:
    """What the colours mean."""
    drawn: list[str] = []
    x = float(NAMES)
    entries = {
        BELOW: "below 0.5",
        **{_colour(area): f"{area:g}" for area in (0.5, 0.75, 1.0)},
        GREY: "too few to judge",
    }
    for colour, name in entries.items():
        drawn.append(_box((x, y - 10, 16, 12), colour))
        drawn.append(text(name, (x + 21, y), size=11, colour=SOFT))
        x += 44 + 6.2 * len(name)
    return drawn
