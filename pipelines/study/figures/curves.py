"""ROC, reliability and decision curves of one label, several methods in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.reports.figures.axes import COLOURS, SOFT, Axes, curve, dot, line, plotted
from pipelines.reports.figures.figure import Figure

FIFTHS = (0, 0.2, 0.4, 0.6, 0.8, 1)
_BARE = 0.02
WIDE_GREY = "#9aa6ac"


def roc(
    label: str, curves: Mapping[str, Sequence[Sequence[float]]], notes: Sequence[str]
) -> Figure:
    """ROC curves.

    Args:
        label: in words.
        curves: method to points [1 - specificity, sensitivity]; the first is ours.
        notes: of each method, for the legend, for example its AUROC.
    """
    axes = Axes(f"ROC, {label}", "1 - specificity", "sensitivity", (0, 1), (0, 1), FIFTHS, FIFTHS)
    drawn = [line([axes.at(0, 0), axes.at(1, 1)], SOFT, 1, "3 3")]
    for number, points in reversed([*enumerate(curves.values())]):
        if points:
            drawn.append(curve(axes, [(p[0], p[1]) for p in points], number))
    names = [f"{name}: {note}" for name, note in zip(curves, notes, strict=True)]
    return plotted(axes, drawn, dict(enumerate(names)), f"ROC curves of {label}")


def reliability(label: str, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Observed against predicted, with Wilson's 95% interval of every bin of the first method.

    Args:
        label: in words.
        curves: method to bins (`pipelines.statistics.reliability.Bin` as JSON).
    """
    names = "predicted probability", "observed share"
    axes = Axes(f"Calibration, {label}", *names, (0, 1), (0, 1), FIFTHS, FIFTHS)
    drawn = [line([axes.at(0, 0), axes.at(1, 1)], SOFT, 1, "3 3")]
    for number, bins in reversed([*enumerate(curves.values())]):
        points = [(float(b["predicted"]), float(b["observed"])) for b in bins]
        if points:
            drawn.append(curve(axes, points, number))
        for b in bins if number == 0 else ():
            x = b["predicted"]
            drawn.append(line([axes.at(x, b["low"]), axes.at(x, b["high"])], COLOURS[0], 1))
            drawn.append(dot(axes.at(x, b["observed"]), COLOURS[0]))
    return plotted(axes, drawn, dict(enumerate(curves)), f"Reliability curves of {label}")


def decision(label: str, curves: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Net benefit against threshold probability, beside treating all and treating none.

    Args:
        label: in words.
        curves: method to points (`pipelines.statistics.decision_curve.NetBenefit` as JSON).
    """
    first = next(iter(curves.values()))
    everybody = [(p["threshold"], p["treat_all"]) for p in first if p["treat_all"] is not None]
    rows = {
        name: [
            (p["threshold"], p["model"]["value"]) for p in points if p["model"]["value"] is not None
        ]
        for name, points in curves.items()
    }
    values = [y for points in rows.values() for _, y in points]
    high = _ceiling(max([*values, *(y for _, y in everybody), _BARE]))
    low, step = -high / 4, high / 4
    edges = [p["threshold"] for p in first]
    ticks = [tick for tick in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9) if tick <= edges[-1]]
    heights = [round(low + step * n, 4) for n in range(6)]
    names = "threshold probability", "net benefit per case"
    axes = Axes(f"Decision curve, {label}", *names, (0, edges[-1]), (low, high), ticks, heights)
    drawn = [line([axes.at(0, 0), axes.at(edges[-1], 0)], SOFT, 1.4)]
    treated = [point for point in everybody if point[1] >= low]
    if len(treated) > 1:
        drawn.append(line([axes.at(*point) for point in treated], WIDE_GREY, 3))
    for number, points in reversed([*enumerate(rows.values())]):
        if points:
            drawn.append(curve(axes, points, number))
    entries = dict(enumerate(curves))
    words = f"Decision curves of {label}; wide grey: treat all, thin line at 0: treat none"
    return plotted(axes, drawn, entries, words)


def _ceiling(value: float) -> float:
    """The next of 0.02, 0.04, 0.1, 0.2, 0.4, 0.8, 1 that is not below."""
    return next((top for top in (0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8) if value <= top), 1.0)
