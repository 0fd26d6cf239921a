"""Letters as strokes: lead markers on the cassette, and words that a scanner burns in."""

from __future__ import annotations

import numpy as np

from pipelines.laboratory.simulate import xray
from pipelines.laboratory.simulate.xray import Field, Frame

Stroke = tuple[tuple[float, float], ...]

# x and y in parts of the letter's height, y downwards.
_GLYPHS: dict[str, tuple[Stroke, ...]] = {
    "A": (((0, 1), (0.32, 0), (0.64, 1)), ((0.12, 0.65), (0.52, 0.65))),
    "B": (
        ((0, 0.5), (0.4, 0.5), (0.58, 0.62), (0.58, 0.88), (0.4, 1), (0, 1), (0, 0)),
        ((0, 0), (0.38, 0), (0.54, 0.12), (0.54, 0.38), (0.38, 0.5)),
    ),
    "C": (((0.6, 0.15), (0.4, 0), (0.18, 0.05), (0, 0.35), (0, 0.65), (0.18, 0.95), (0.6, 0.9)),),
    "D": (((0, 0), (0, 1), (0.35, 1), (0.6, 0.75), (0.6, 0.25), (0.35, 0), (0, 0)),),
    "E": (((0.56, 0), (0, 0), (0, 1), (0.56, 1)), ((0, 0.5), (0.45, 0.5))),
    "H": (((0, 0), (0, 1)), ((0.6, 0), (0.6, 1)), ((0, 0.5), (0.6, 0.5))),
    "K": (((0, 0), (0, 1)), ((0.58, 0), (0, 0.55)), ((0.2, 0.4), (0.6, 1))),
    "L": (((0, 0), (0, 1), (0.58, 1)),),
    "M": (((0, 1), (0, 0), (0.36, 0.6), (0.72, 0), (0.72, 1)),),
    "O": (((0.3, 0), (0.05, 0.2), (0.05, 0.8), (0.3, 1), (0.58, 0.8), (0.58, 0.2), (0.3, 0)),),
    "P": (((0, 1), (0, 0), (0.4, 0), (0.6, 0.13), (0.6, 0.42), (0.4, 0.55), (0, 0.55)),),
    "R": (
        ((0, 1), (0, 0), (0.4, 0), (0.6, 0.12), (0.6, 0.38), (0.4, 0.5), (0, 0.5)),
        ((0.3, 0.5), (0.62, 1)),
    ),
    "S": (((0.56, 0.12), (0.3, 0), (0.05, 0.2), (0.5, 0.62), (0.5, 0.88), (0.25, 1), (0, 0.88)),),
    "T": (((0, 0), (0.64, 0)), ((0.32, 0), (0.32, 1))),
    "^": (((0.5, 1), (0.5, 0)), ((0.15, 0.4), (0.5, 0), (0.85, 0.4))),
}
INITIALS = "ABCDEHKLMPRST"
_ADVANCE = 0.92


def written(
    frame: Frame,
    text: str,
    place: tuple[float, float],
    height: float,
    *,
    thick: float = 0.16,
    lean: float = 0.0,
) -> Field:
    """0 to 1 where `text` stands, its first letter's upper left corner at `place` (x, y) in mm.

    Args:
        frame: the detector.
        text: letters of `_GLYPHS` and spaces; others are left out.
        place: mm.
        height: of a letter in mm.
        thick: width of a stroke in parts of the height.
        lean: radians.
    """
    total = np.zeros((frame.rows, frame.columns), np.float32)
    radius = max(0.5 * thick * height, 0.55 * frame.spacing)
    cos, sin = np.cos(lean), np.sin(lean)
    for number, letter in enumerate(text):
        for stroke in _GLYPHS.get(letter, ()):
            x, y = np.array(stroke, np.float64).T * height
            x = x + number * _ADVANCE * height
            along = np.linspace(0, len(x) - 1, 8 * len(x))
            x, y = (np.interp(along, np.arange(len(line)), line) for line in (x, y))
            total += xray.tube(
                frame,
                place[0] + cos * x - sin * y,
                place[1] + sin * x + cos * y,
                np.full(along.size, radius),
            )
    return np.asarray(np.minimum(total / radius, 1), np.float32)
