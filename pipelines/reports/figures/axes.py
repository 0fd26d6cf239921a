"""Axes, curves and a legend of a figure, as SVG elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from pipelines.reports.figures.figure import FONT, INK, Figure, figure
from pipelines.reports.figures.lettering import shortened

SOFT, GRID = "#566169", "#d9dfe2"
COLOURS = (
    "#1f5f7a", "#b4552d", "#5b7f3a", "#7a4f8f", "#8a6d1d", "#4a5560",
    "#2299ee", "#440077", "#660000", "#dd66aa", "#991133", "#999900",
)  # fmt: skip
DASHES = (
    "", "7 3", "2 3", "9 3 2 3", "1 4", "12 4",
    "9 3 2 3 2 3", "5 8", "16 3 5 3", "2 8", "9 3 9 3 2 3", "20 6",
)  # fmt: skip
"""As many as there are colours, so that curves are told apart without colour as well: in black and
white print, and by a reader to whom two colours look alike."""
SMALL, LINE = 11, 18
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 30, 46
PLOT = 330
"""Width of the plot within the axes, in px."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Axes:
    """Where values lie on the picture.

    Attributes:
        title: above the plot.
        x_name, y_name: of the axes, with units.
        x, y: lowest and highest value.
        x_ticks, y_ticks: values with a line and a number.
        height: of the plot, in px.
    """

    title: str
    x_name: str
    y_name: str
    x: tuple[float, float]
    y: tuple[float, float]
    x_ticks: Sequence[float]
    y_ticks: Sequence[float]
    height: float = PLOT

    def at(self, x: float, y: float) -> Point:
        """Place of a value on the picture, in px; values outside lie on the edge."""
        across = (min(max(x, self.x[0]), self.x[1]) - self.x[0]) / (self.x[1] - self.x[0])
        up = (min(max(y, self.y[0]), self.y[1]) - self.y[0]) / (self.y[1] - self.y[0])
        return LEFT + across * PLOT, TOP + (1 - up) * self.height


def frame(axes: Axes) -> list[str]:
    """Grid, ticks, title and names of the axes."""
    rows = [text(axes.title, (LEFT, 18), bold=True, room=PLOT)]
    for x in axes.x_ticks:
        place, low = axes.at(x, axes.y[0]), axes.at(x, axes.y[1])
        rows.append(line([place, low], GRID))
        rows.append(text(f"{x:g}", (place[0], place[1] + 15), "middle", SMALL))
    for y in axes.y_ticks:
        place, end = axes.at(axes.x[0], y), axes.at(axes.x[1], y)
        rows.append(line([place, end], GRID))
        rows.append(text(f"{y:g}", (place[0] - 6, place[1] + 4), "end", SMALL))
    bottom = TOP + axes.height
    rows.append(line([(LEFT, TOP), (LEFT, bottom), (LEFT + PLOT, bottom)], INK))
    rows.append(text(axes.x_name, (LEFT + PLOT / 2, bottom + 34), "middle"))
    x, y = 14, TOP + axes.height / 2
    turned = f'transform="rotate(-90 {x} {y:g})" text-anchor="middle" font-size="{FONT}"'
    rows.append(f'<text x="{x}" y="{y:g}" {turned}>{escape(axes.y_name)}</text>')
    return rows


def line(points: Sequence[Point], colour: str, width: float = 1, dash: str = "") -> str:
    """A line through places in px."""
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def curve(axes: Axes, points: Sequence[Point], number: int) -> str:
    """A curve through values, in the colour and dash of its number."""
    places = [axes.at(x, y) for x, y in points]
    colour, dash = style(number)
    return line(places, colour, 2.2 if number == 0 else 1.6, dash)


def style(number: int) -> tuple[str, str]:
    """Colour and dash of a curve: no two of the first 12 share either, none of 144 both."""
    rounds, place = divmod(number, len(DASHES))
    return COLOURS[(place + rounds) % len(COLOURS)], DASHES[place]


def dot(place: Point, colour: str, radius: float = 3.5) -> str:
    """A dot at a place in px."""
    return f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:g}" fill="{colour}"/>'


def text(
    words: str,
    place: Point,
    anchor: str = "start",
    size: float = FONT,
    *,
    bold: bool = False,
    colour: str = "",
    room: float = 0,
) -> str:
    """Text at a place in px; in ink without another colour, and shortened to a `room` in px."""
    words = shortened(words, room, size, bold=bold) if room else words
    weight = ' font-weight="bold"' if bold else ""
    fill = f' fill="{colour}"' if colour else ""
    return (
        f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" text-anchor="{anchor}" font-size="{size:g}"'
        f"{weight}{fill}>{escape(words)}</text>"
    )


def legend(entries: Mapping[int, str], top: float) -> list[str]:
    """Number of each curve to its name, one below the other."""
    rows = []
    for place, (number, name) in enumerate(entries.items()):
        y, (colour, dash) = top + place * LINE, style(number)
        stroke = line([(LEFT, y), (LEFT + 30, y)], colour, 2.2, dash)
        rows += [stroke, text(name, (LEFT + 38, y + 4), size=12, room=PLOT - 38)]
    return rows


def plotted(axes: Axes, drawn: Sequence[str], entries: Mapping[int, str], words: str) -> Figure:
    """A plot with its legend below."""
    top = TOP + axes.height + BOTTOM + 12
    height = top + LINE * len(entries)
    rows = [*frame(axes), *drawn, *legend(entries, top)]
    return figure(rows, LEFT + PLOT + RIGHT, height, words)
