"""A line of earlier values, as small as a word."""

from __future__ import annotations

from collections.abc import Sequence

from ui.markup import Markup, joined, tag

WIDTH, HEIGHT, EDGE = 44.0, 14.0, 2.0  # px; EDGE keeps the last point whole


def line(values: Sequence[float], reference: tuple[float | None, float | None]) -> Markup:
    """Values from old to new at equal steps, with the reference range as a band behind them.

    It repeats numbers that stand beside it, so a screen reader passes it by.
    """
    lowest, highest = min(values), max(values)
    span = (highest - lowest) or 1.0

    def height(value: float) -> float:
        share = (value - lowest) / span if highest > lowest else 0.5
        return EDGE + (HEIGHT - 2 * EDGE) * (1 - min(1.0, max(0.0, share)))

    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    points = [(EDGE + step * place, height(value)) for place, value in enumerate(values)]
    top = 0.0 if reference[1] is None or reference[1] >= highest else height(reference[1])
    bottom = HEIGHT if reference[0] is None or reference[0] <= lowest else height(reference[0])
    x, y = points[-1]
    pieces = [
        _element("rect", x=0, y=_at(top), width=WIDTH, height=_at(bottom - top), class_="range")
        if bottom > top and reference != (None, None)
        else "",
        _element("polyline", points=" ".join(f"{_at(px)},{_at(py)}" for px, py in points)),
        _element("circle", cx=_at(x), cy=_at(y), r=1.8),
    ]
    return tag(
        "svg",
        joined(pieces),
        class_="sparkline",
        width=int(WIDTH),
        height=int(HEIGHT),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        aria_hidden="true",
    )


def _element(name: str, **attributes: str | float) -> Markup:
    return tag(name, **attributes)


def _at(value: float) -> str:
    return f"{value:.1f}"
