"""A small line of earlier values, the size of a word."""

from __future__ import annotations

from collections.abc import Sequence

from ui.words.markup import Markup, joined, picture, tag

WIDTH, HEIGHT, EDGE = 44.0, 14.0, 2.0  # px; EDGE keeps the last point whole
LINE, BAND = "#7f9cb8", "#7f8c9a"  # to be seen on dark and on light


def line(values: Sequence[float], reference: tuple[float | None, float | None]) -> Markup:
    """Values from old to new at equal steps, with the reference range as a band behind them.

    It repeats numbers that stand beside it, so a screen reader passes it by.
    """
    return picture(drawing(values, reference).encode(), "", class_="sparkline")


def drawing(values: Sequence[float], reference: tuple[float | None, float | None]) -> Markup:
    """The same as an SVG document, 44 x 14 px."""
    lowest, highest = min(values), max(values)

    def height(value: float) -> float:
        share = (value - lowest) / (highest - lowest) if highest > lowest else 0.5
        return EDGE + (HEIGHT - 2 * EDGE) * (1 - min(1.0, max(0.0, share)))

    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    points = [(EDGE + step * place, height(value)) for place, value in enumerate(values)]
    low, high = reference
    top = 0.0 if high is None or high >= highest else height(high)
    bottom = HEIGHT if low is None or low <= lowest else height(low)
    band: dict[str, str | float] = {
        "x": 0,
        "y": _at(top),
        "width": WIDTH,
        "height": _at(bottom - top),
    }
    ends = points[-1]
    pieces = [
        tag("rect", fill=BAND, fill_opacity=0.25, **band)
        if bottom > top and reference != (None, None)
        else "",
        tag(
            "polyline",
            points=" ".join(f"{_at(x)},{_at(y)}" for x, y in points),
            fill="none",
            stroke=LINE,
            stroke_width=1.2,
        ),
        tag("circle", cx=_at(ends[0]), cy=_at(ends[1]), r=1.8, fill=LINE),
    ]
    return tag(
        "svg",
        joined(pieces),
        xmlns="http://www.w3.org/2000/svg",
        width=int(WIDTH),
        height=int(HEIGHT),
    )


def _at(value: float) -> str:
    return f"{value:.1f}"
