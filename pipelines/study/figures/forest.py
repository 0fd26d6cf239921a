"""AUROC of one label in every group of patients, with its interval: a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from pipelines.reports.figures.axes import SOFT, line, text
from pipelines.reports.figures.figure import Figure, figure
from pipelines.reports.figures.row_scale import RowScale

WIDTH, NAMES, PLOT_LEFT, PLOT_RIGHT = 760, 16, 300, 590
TOP, ROW, COUNTS = 54, 22, 90
SCALE = RowScale((0.5, 0.6, 0.7, 0.8, 0.9, 1.0), PLOT_LEFT, PLOT_RIGHT)


def forest(label: str, overall: Mapping[str, Any], groups: Sequence[Mapping[str, Any]]) -> Figure:
    """A forest plot; AUROC below 0.5 lies on the left edge.

    Args:
        label: in words.
        overall: AUROC of all cases.
        groups: `pipelines.study.subgroups.Group` as JSON, sorted by column.
    """
    rows: list[tuple[str, Mapping[str, Any] | None]] = [("All", overall)]
    for column, members in groupby(groups, key=lambda group: str(group["column"])):
        rows.append((column, None))
        rows += [(f"   {group['name']}", group["auroc"]) for group in members]
    bottom = TOP + ROW * len(rows)
    title = f"AUROC in groups, {label}"
    drawn = [text(title, (NAMES, 20), bold=True, room=WIDTH - 2 * NAMES)]
    drawn.append(text("positive / cases", (PLOT_LEFT - 14, 42), "end", 11))
    drawn.append(text("AUROC [95%]", (PLOT_RIGHT + 14, 42), size=11))
    drawn += SCALE.grid(TOP - 6, bottom)
    if overall["value"] is not None:
        middle = SCALE.at(overall["value"])
        drawn.append(line([(middle, TOP - 6), (middle, bottom)], SOFT, 1, "3 3"))
    for number, (name, area) in enumerate(rows):
        drawn += _row(name, area, TOP + ROW * number + 12)
    return figure(drawn, WIDTH, bottom + 28, f"AUROC of {label} in groups of patients")


def _row(name: str, area: Mapping[str, Any] | None, y: float) -> list[str]:
    indent = 16 if name.startswith(" ") else 0
    room = PLOT_LEFT - COUNTS - NAMES - indent
    drawn = [text(name.strip(), (NAMES + indent, y + 4), size=12, bold=area is None, room=room)]
    if area is None:
        return drawn
    counts = f"{area['positives']} / {area['cases']}"
    drawn.append(text(counts, (PLOT_LEFT - 14, y + 4), "end", 12))
    if area["value"] is None:
        return [*drawn, text("not defined", (PLOT_RIGHT + 14, y + 4), size=12)]
    drawn += SCALE.estimate(area["low"], area["value"], area["high"], y)
    figures = f"{area['value']:.2f} [{area['low']:.2f}, {area['high']:.2f}]"
    return [*drawn, text(figures, (PLOT_RIGHT + 14, y + 4), size=12)]
