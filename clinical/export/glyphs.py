"""Which characters a font can draw, so that a PDF never shows a blank in place of a name.

Liberation Sans has Latin, Greek, Cyrillic and Hebrew; `SCRIPTS` come after it.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FONT_FILES = Path(__file__).parent / "fonts"
REGULAR = FONT_FILES / "LiberationSans-Regular.ttf"
SCRIPTS = (
    FONT_FILES / "scripts" / "NotoSansArabic-Regular.ttf",
    FONT_FILES / "scripts" / "NotoSansSC-Subset.otf",
    FONT_FILES / "scripts" / "NotoSansKR-Subset.otf",
    FONT_FILES / "scripts" / "NotoSansDevanagari-Regular.ttf",
    FONT_FILES / "scripts" / "NotoSansThai-Regular.ttf",
)
"""What the Latin font lacks: Arabic; Chinese and Japanese as far as GB 2312 and Big5 level 1; all
Korean syllables; Devanagari; Thai."""

UNKNOWN = "?"
"""Stands for a character that the font cannot draw."""

_WORD = re.compile(r"\S{81,}")
_PIECE = 16
"""A word longer than any in a language, such as a pasted file, may be broken every so often."""

_BREAK = "\u200b"

_SEGMENTS, _GROUPS = 4, 12
_KEPT = "\n"


def drawable(text: str, *fonts: Path) -> str:
    """The text with UNKNOWN in place of what none of the fonts can draw; line ends stay."""
    known = [covered(font) for font in fonts]
    return "".join(
        c if c in _KEPT or any(ord(c) in font for font in known) else UNKNOWN for c in text
    )


def breakable(text: str) -> str:
    """The text with places to break in its longest words: typst cannot set one that is endless."""
    return _WORD.sub(_broken, text)


def _broken(word: re.Match[str]) -> str:
    out: list[str] = []
    since = 0
    for character in word.group():
        # Not between a letter and what is set upon it.
        if since >= _PIECE and not unicodedata.category(character).startswith(("M", "C")):
            out.append(_BREAK)
            since = 0
        out.append(character)
        since += 1
    return "".join(out)


@cache
def covered(font: Path) -> frozenset[int]:
    """Code points of a font file, from its `cmap` (OpenType 1.9.1), formats 4 and 12."""
    data = font.read_bytes()
    tables = struct.unpack_from(">H", data, 4)[0]
    records = (struct.unpack_from(">4sLLL", data, 12 + 16 * n) for n in range(tables))
    cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    count = struct.unpack_from(">H", data, cmap + 2)[0]
    found: set[int] = set()
    for n in range(count):
        start = cmap + struct.unpack_from(">L", data, cmap + 4 + 8 * n + 4)[0]
        form = struct.unpack_from(">H", data, start)[0]
        if form == _SEGMENTS:
            found.update(_of_segments(data, start))
        elif form == _GROUPS:
            found.update(_of_groups(data, start))
    return frozenset(found)


def _of_segments(data: bytes, start: int) -> Iterator[int]:
    count = struct.unpack_from(">H", data, start + 6)[0] // 2
    ends, firsts, deltas, offsets = (
        struct.unpack_from(f">{count}H", data, start + 14 + 2 * count * n + (2 if n else 0))
        for n in range(4)
    )
    table = start + 16 + 6 * count
    rows = zip(firsts, ends, deltas, offsets, strict=True)
    for n, (first, last, delta, offset) in enumerate(rows):
        for code in range(first, last + 1):
            if not offset:
                glyph = code + delta
            else:
                place = table + 2 * n + offset + 2 * (code - first)
                glyph = struct.unpack_from(">H", data, place)[0]
            # Glyph 0 is the box that stands for nothing.
            if glyph % 0x10000:
                yield code


def _of_groups(data: bytes, start: int) -> Iterator[int]:
    count = struct.unpack_from(">L", data, start + 12)[0]
    for n in range(count):
        first, last, glyph = struct.unpack_from(">LLL", data, start + 16 + 12 * n)
        yield from (code for code in range(first, last + 1) if glyph + code - first)
