"""How discrimination falls as more and more of one input is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clinical.wording import words
from pipelines.reports.figures.axes import COLOURS, Axes, curve, dot, line, plotted
from pipelines.reports.figures.figure import Figure
from pipelines.reports.figures.scales import area_ticks

QUARTERS = (0, 0.25, 0.5, 0.75, 1)
MODALITY = "modality"
HEIGHT = 250


def stress(what: str, kind: str, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Macro AUROC against the share that is taken away; 95% interval of the first method.

    Args:
        what: modality that loses.
        kind: "modality" where a share of the cases loses all of it, "items" where every case loses
            a share of its single items.
        curves: method to points: `share` 0 to 1, `auroc` an interval.
    """
    lines = {
        name: [(p["share"], p["auroc"]["value"]) for p in points if p["auroc"]["value"] is not None]
        for name, points in curves.items()
    }
    bars = [p for p in next(iter(curves.values()), ()) if p["auroc"]["low"] is not None]
    values = [y for points in lines.values() for _, y in points]
    ticks = area_ticks([*values, *(p["auroc"][end] for p in bars for end in ("low", "high"))])
    whole = kind == MODALITY
    name = words(what)
    axes = Axes(
        f"Cases without {name}" if whole else f"Fewer {name}",
        "share of cases that lose it" if whole else "share of its items that each case loses",
        "macro AUROC",
        (0, 1),
        (ticks[0], ticks[-1]),
        QUARTERS,
        ticks,
        HEIGHT,
    )
    drawn = []
    for p in bars:
        ends = [axes.at(p["share"], p["auroc"][end]) for end in ("low", "high")]
        drawn.append(line(ends, COLOURS[0], 1))
    for number, points in reversed([*enumerate(lines.values())]):
        if points:
            drawn.append(curve(axes, points, number))
    drawn += [dot(axes.at(*point), COLOURS[0]) for point in next(iter(lines.values()), ())]
    entries = dict(enumerate(curves))
    return plotted(axes, drawn, entries, f"Macro AUROC as {name} goes missing")
