"""The learning curve: what was measured at each size, the curve through it, and twice as many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.reports.figures.axes import (
    COLOURS,
    DASHES,
    LEFT,
    PLOT,
    Axes,
    Point,
    dot,
    line,
    plotted,
    text,
)
from pipelines.reports.figures.figure import Figure
from pipelines.reports.figures.scales import area_ticks, count_ticks

PALE = "#a9bcc5"
STEPS = 60
MEASURED, FITTED, EXTRAPOLATED = 0, 1, 2
"""Numbers of the three lines in the legend."""


def learning(
    points: Sequence[Mapping[str, Any]],
    sizes: Sequence[Mapping[str, Any]],
    fit: Mapping[str, Any] | None,
) -> Figure:
    """Macro AUROC against the number of training patients.

    Args:
        points: of single trainings: `patients`, `auroc`, which may be None.
        sizes: mean of the trainings of each size: `patients`, `auroc` an interval.
        fit: `pipelines.statistics.learning_curve.LearningCurve` as JSON, or None.
    """
    known = [p for p in points if p["auroc"] is not None]
    means = [s for s in sizes if s["auroc"]["value"] is not None]
    fitted = fit if fit and fit["rate"] is not None else None
    most = max([*(p["patients"] for p in points), *(s["patients"] for s in sizes), 1])
    end = 2 * fitted["largest"] if fitted else most
    seen = [p["auroc"] for p in known]
    seen += [s["auroc"][k] for s in means for k in ("value", "low", "high") if s["auroc"][k]]
    seen += [_at(fitted, end)] if fitted else []
    x, y = count_ticks(max(end, most)), area_ticks(seen)
    names = "training patients", "macro AUROC"
    axes = Axes("Learning curve", *names, (0, x[-1]), (y[0], y[-1]), x, y)
    drawn = _curve(axes, fitted, [s["patients"] for s in means]) if fitted else []
    drawn += [dot(axes.at(p["patients"], p["auroc"]), PALE, 2.5) for p in known]
    drawn += _means(axes, means)
    entries = {MEASURED: "measured, mean and 95%; pale: single trainings"}
    if fitted:
        entries |= {FITTED: "fitted power law", EXTRAPOLATED: "the same, up to twice as many"}
    return plotted(
        axes, drawn, entries, "Learning curve: macro AUROC by number of training patients"
    )


def _at(fit: Mapping[str, Any], patients: float) -> float:
    return float(1 - fit["asymptote"] - fit["scale"] * patients ** -fit["rate"])


def _means(axes: Axes, means: Sequence[Mapping[str, Any]]) -> list[str]:
    drawn: list[str] = []
    for size in means:
        n, area = size["patients"], size["auroc"]
        if area["low"] is not None:
            drawn.append(line([axes.at(n, area["low"]), axes.at(n, area["high"])], COLOURS[0], 1.2))
        drawn.append(dot(axes.at(n, area["value"]), COLOURS[0], 4.5))
    return drawn


def _curve(axes: Axes, fit: Mapping[str, Any], measured: Sequence[int]) -> list[str]:
    """The fit through the sizes that were measured, and dashed to twice the largest."""
    largest = fit["largest"]
    places = np.linspace(min([*measured, largest / 4]), largest, STEPS)
    beyond = np.linspace(largest, 2 * largest, STEPS)
    drawn = []
    for number, part in ((FITTED, places), (EXTRAPOLATED, beyond)):
        path: list[Point] = [axes.at(n, _at(fit, n)) for n in part.tolist()]
        drawn.append(line(path, COLOURS[number], 1.8, DASHES[number]))
    gain = fit["gain"]
    end = axes.at(2 * largest, _at(fit, 2 * largest))
    drawn.append(dot(end, COLOURS[EXTRAPOLATED], 4))
    if gain["value"] is not None:
        figures = f"twice as many: {gain['value']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        # The curve rises to the right, so that its lower right is free.
        drawn.append(text(figures, (LEFT + PLOT - 6, axes.at(0, axes.y[0])[1] - 8), "end", 11))
    return drawn
