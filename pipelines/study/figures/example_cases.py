"""Example cases of one label: the prediction of the model, and of each modality alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clinical.wording import words
from pipelines.reports.figures.axes import COLOURS, GRID, SOFT, dot, line, text
from pipelines.reports.figures.figure import INK, Figure, figure
from pipelines.reports.figures.row_scale import RowScale

WIDTH, LEFT, RIGHT, TOP, ROW = 400, 96, 384, 40, 25
SCALE = RowScale((0, 0.2, 0.4, 0.6, 0.8, 1), LEFT, RIGHT)
WHOLE = 6.5
"""Radius of the whole model's dot, in px."""


def example_cases(label: str, examples: Sequence[Mapping[str, Any]]) -> Figure:
    """Cases below each other, probability from 0 to 1 across; a bar at the threshold.

    Args:
        label: in words.
        examples: `kind`, `probability`, `threshold`, `alone` (modality to probability, or None
            where the case does not have it).
    """
    names = sorted({name for one in examples for name in one["alone"]})
    bottom = TOP + ROW * len(examples)
    drawn = [text(f"Example cases, {label}", (16, 20), bold=True, room=WIDTH - 32)]
    drawn += SCALE.grid(TOP - 6, bottom, 15)
    for number, one in enumerate(examples):
        drawn += _row(one, names, TOP + ROW * number + ROW / 2 - 3)
    middle = ((LEFT + RIGHT) / 2, bottom + 33)
    drawn.append(text("probability", middle, "middle"))
    legend, end = _legend(names, bottom + 56)
    return figure([*drawn, *legend], WIDTH, end, f"Example cases of {label}")


def _row(one: Mapping[str, Any], names: Sequence[str], y: float) -> list[str]:
    drawn = [text(one["kind"], (16, y + 4), size=12)]
    alone = {name: one["alone"].get(name) for name in names}
    places = [SCALE.at(p) for p in (one["probability"], *alone.values()) if p is not None]
    drawn.append(line([(min(places), y), (max(places), y)], GRID, 2))
    cut = SCALE.at(one["threshold"])
    drawn.append(line([(cut, y - 10), (cut, y + 10)], INK, 2))
    drawn.append(dot((SCALE.at(one["probability"]), y), COLOURS[0], WHOLE))
    for number, p in enumerate(alone.values()):
        if p is not None:
            drawn.append(_mark((SCALE.at(p), y), number))
    return drawn


def _mark(place: tuple[float, float], number: int) -> str:
    """A small sign of a modality, told from seven others by its form as well as its colour."""
    x, y = place
    colour = COLOURS[1 + number % (len(COLOURS) - 1)]
    forms = (
        "m-4 -4h8v8h-8z",
        "m0 -5l5 9h-10z",
        "m0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
        "m0 5l5 -9h-10z",
        "m-1.8 -5h3.6v10h-3.6z",
        "m-5 -1.8h10v3.6h-10z",
        "m-1.8 -5h3.6v3.2h3.2v3.6h-3.2v3.2h-3.6v-3.2h-3.2v-3.6h3.2z",
        "m-4.5 -5h9l-9 10h9z",
    )
    path = f"M{x:.1f} {y:.1f}{forms[number % len(forms)]}"
    return f'<path d="{path}" fill="{colour}" stroke="#ffffff" stroke-width="0.8"/>'


def _legend(names: Sequence[str], top: float) -> tuple[list[str], float]:
    """Signs and their names in two columns, and where they end."""
    signs = [dot((22, top), COLOURS[0], WHOLE), line([(216, top - 8), (216, top + 8)], INK, 2)]
    entries = ["all inputs", "threshold"]
    drawn = signs
    for number, name in enumerate(names):
        x, y = _place(number + 2, top)
        drawn.append(_mark((x, y), number))
        entries.append(f"{words(name)} alone")
    for number, name in enumerate(entries):
        x, y = _place(number, top)
        drawn.append(text(name, (x + 14, y + 4), size=12, colour=SOFT, room=164))
    return drawn, top + 18 * ((len(entries) + 1) // 2)


def _place(number: int, top: float) -> tuple[float, float]:
    return (22, 216)[number % 2], top + 18 * (number // 2)
