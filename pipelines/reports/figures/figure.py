"""A figure: its SVG text, and what a report has to know of it without reading that again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

FONTS = "Helvetica, Arial, sans-serif"
FONT, INK = 13, "#1c2226"


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    Attributes:
        svg: a whole SVG document, without style sheet, script or identifier, so that several can
            stand in one page.
        width, height: in px.
        words: what it shows, for one who cannot see it.
    """

    svg: str
    width: float
    height: float
    words: str


def figure(
    drawn: Sequence[str],
    width: float,
    height: float,
    words: str,
    *,
    font: float = FONT,
    ink: str = INK,
) -> Figure:
    """A figure of SVG elements on white.

    Args:
        drawn: elements, the lowest first.
        width, height: in px.
        words: what it shows, for one who cannot see it.
        font: size of text that states no other, in px.
        ink: colour of text that states no other.
    """
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    label = escape(words, quote=True)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}"'
        f' font-family="{FONTS}" font-size="{font:g}" fill="{ink}">',
        f"<title>{escape(words)}</title>",
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        *drawn,
        "</svg>",
        "",
    ]
    return Figure("\n".join(lines), float(width), float(height), words)
