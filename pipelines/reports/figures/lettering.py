"""How wide text is, about, whichever sans-serif font is there; and names that fit their place."""

from __future__ import annotations

_NARROW, _WIDE = frozenset("ijlft.,:;|'()[] "), frozenset("mwMW%@")
CUT = "..."
TOO_LARGE = 1.1
"""`text_width` is at least this factor above Helvetica, Arial and fonts of their metrics."""


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """About how many px a text takes at a font size in px, on the large side."""
    ems = sum(
        0.34 if c in _NARROW else 0.95 if c in _WIDE else 0.72 if c.isupper() else 0.6 for c in text
    )
    return ems * size * (1.08 if bold else 1.0)


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of its two ends as goes into `room` px.

    Names of sites and inputs often begin alike, and what tells them apart stands at the end.
    """
    room *= TOO_LARGE
    if text_width(text, size, bold=bold) <= room:
        return text
    for kept in range(len(text) - 1, 1, -1):
        end = kept // 2
        shorter = f"{text[: kept - end].rstrip()}{CUT}{text[len(text) - end :].lstrip()}"
        if text_width(shorter, size, bold=bold) <= room:
            return shorter
    return text[:1]
