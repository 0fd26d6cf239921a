"""JPEG 2000 and HTJ2K (ISO/IEC 15444-1, -15) of one component, by OpenJPEG.

OpenJPEG notices data that are missing within a tile-part, but paints tiles that are missing
altogether black; so the tile-parts are counted before. It decodes a stretch of zeros, such as a
download leaves where a block is missing, as if that were pixels; so none may be there. OpenJPH,
which `imagecodecs` has as well, goes on in silence where an HTJ2K code block is broken.

The coders of blocks decode whatever they are given, and OpenJPEG clips what comes of it. So one
that calls itself lossless is decoded to two bits more: no value of a whole stream lies outside the
range of its precision.

And the arithmetic coder of JPEG 2000 uses up its data: damage changes how fast, so that bytes are
left at the end of a code block, or many are missing. OpenJPEG counts them where the header promises
that the coder was ended predictably (15444-1 table A.19), and only warns; the promise changes
nothing else that it does. So a copy that makes the promise is decoded, and its warnings are read.
The coder of HTJ2K has no such count.
"""

from __future__ import annotations

import logging
import re
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from imagecodecs import jpeg2k_decode
from numpy.typing import NDArray

_SIZ = b"\xff\x4f\xff\x51"
_SOT, _EOC = 0xFF90, 0xFFD9
_COD = b"\xff\x52"
_DEPTH = 42
"""From the start of the codestream to the precision of the first component, which is one less."""

_MORE, _WIDEST = 2, 18
_SHORTEST_PART = 14

_STYLE = 12
"""From the marker COD to the style of the code blocks (table A.19)."""
_BYPASS, _TERMINATED, _PREDICTABLE, _HIGH_THROUGHPUT = 1, 4, 0x10, 0x40
_WARNINGS = 2
"""`verbose` of imagecodecs from which it logs OpenJPEG's warnings."""
_COUNTED = re.compile(r"PTERM check failure: (\d+)")
_MOST_COUNTED = 8
"""Bytes by which a whole code block may miss its end. Kakadu and OpenJPEG miss it by up to 4, and
others may as well. Damage misses it by hundreds, if it is not itself near the end."""

_HOLE = bytes(256)
"""No coder of pixels gives so many zeros; empty packets are one zero each, and far fewer."""


@dataclass(frozen=True)
class Header:
    """Image and tile size (15444-1 A.5.1).

    Attributes:
        rows, columns: of the first component.
        components: how many there are.
        precision: bits per sample.
        signed: two's complement?
        tiles: how many the image is cut into.
        start: where the codestream begins; a JP2 file has boxes before it.
    """

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool
    tiles: int
    start: int


def header_of(data: bytes) -> Header:
    """The header of a codestream, bare or in a JP2 file.

    Raises:
        ValueError, struct.error, ArithmeticError: if there is none, or an impossible one.
    """
    start = data.index(_SIZ)
    (x1, y1, x0, y0, tile_width, tile_height, tile_x, tile_y, components, depth, dx, dy) = (
        struct.unpack_from(">8LH3B", data, start + 8)
    )
    across, down = -(-(x1 - tile_x) // tile_width), -(-(y1 - tile_y) // tile_height)
    return Header(
        rows=-(-y1 // dy) + (-y0 // dy),
        columns=-(-x1 // dx) + (-x0 // dx),
        components=components,
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        tiles=across * down,
        start=start,
    )


def decode(data: bytes, *, lossless: bool = False) -> NDArray[Any]:
    """Decode one single-component codestream.

    Args:
        data: the codestream, bare or in a JP2 file.
        lossless: it is known to hold its pixels as they were.

    Returns:
        Signed or unsigned integers of 8, 16 or 32 bits, rows x columns.

    Raises:
        ValueError, struct.error: if a tile, a part of one, a stretch of it, or the end is missing,
            a code block does not end where its data do, or a lossless one holds what no image of
            its precision does.
        RuntimeError: if OpenJPEG refuses it.
    """
    header = header_of(data)
    _check_tiles(data, header)
    if _HOLE in data[header.start :]:
        raise ValueError("a stretch of the data is missing")
    if lossless and header.precision + _MORE <= _WIDEST and _is_reversible(data[header.start :]):
        return _unclipped(data, header)
    return _decoded(data, header)


def left_over(data: bytes) -> int:
    """Bytes behind the end of a codestream that `decode` takes, without padding."""
    return len(data[_check_tiles(data, header_of(data)) :].strip(b"\0\xff"))


def _is_reversible(codestream: bytes) -> bool:
    """Whether COD (A.6.1) names the 5-3 transform."""
    place = codestream.find(_COD)
    return place >= 0 and codestream[place + 13 : place + 14] == b"\1"


def _unclipped(data: bytes, header: Header) -> NDArray[Any]:
    wider = bytearray(data)
    wider[header.start + _DEPTH] += _MORE
    values: NDArray[np.int32] = _decoded(bytes(wider), header).astype(np.int32)
    half = 1 << (header.precision - 1)
    if not header.signed:
        values -= (half << _MORE) - half
    low = -half if header.signed else 0
    if values.min() < low or values.max() >= low + 2 * half:
        raise ValueError("a pixel has more bits than the image")
    width = 1 if header.precision <= 8 else 2
    return values.astype(f"{'i' if header.signed else 'u'}{width}")


def _decoded(data: bytes, header: Header) -> NDArray[Any]:
    """What OpenJPEG makes of `data`, if every code block ends where its data do.

    Raises:
        ValueError: if one does not.
        RuntimeError: if OpenJPEG refuses it.
    """
    promising = bytearray(data)
    for place in _styles(data, header):
        if not promising[place] & (_BYPASS | _TERMINATED | _HIGH_THROUGHPUT):
            promising[place] |= _PREDICTABLE
    with _heard() as warnings:
        decoded: NDArray[Any] = jpeg2k_decode(bytes(promising), verbose=_WARNINGS)
    for warning in warnings:
        counted = _COUNTED.search(warning)
        if counted and int(counted[1]) > _MOST_COUNTED:
            raise ValueError("a code block does not end where its data do")
    return decoded


def _styles(data: bytes, header: Header) -> Iterator[int]:
    """Where the main header states the style of code blocks."""
    position = header.start + 2
    while (marker := data[position : position + 2]) not in (b"", _SOT.to_bytes(2)):
        if marker == _COD:
            yield position + _STYLE
        position += 2 + int.from_bytes(data[position + 2 : position + 4])


@contextmanager
def _heard() -> Iterator[list[str]]:
    """The warnings that imagecodecs logs within; they go nowhere else."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("imagecodecs")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield told
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def _check_tiles(data: bytes, header: Header) -> int:
    """Follow the lengths from segment to segment, and count the tile-parts (15444-1 A.4.2).

    Returns:
        Where the codestream ends.
    """
    position = header.start + 2
    found: Counter[int] = Counter()
    announced: dict[int, int] = {}
    while (marker := int.from_bytes(data[position : position + 2])) != _EOC:
        length, tile, size, _, parts = struct.unpack_from(">HHLBB", data, position + 2)
        if marker != _SOT:
            size = 2 + length
        else:
            found[tile] += 1
            announced[tile] = max(announced.get(tile, 0), parts)
            # 0: the last tile-part, whose length its writer did not know yet.
            size = size or data.rindex(_EOC.to_bytes(2)) - position
        if marker < 0xFF00 or size < (_SHORTEST_PART if marker == _SOT else 4):
            raise ValueError("no marker segment where one must be")
        position += size
    if len(found) != header.tiles:
        raise ValueError("a tile is missing")
    if any(found[tile] < parts for tile, parts in announced.items()):
        raise ValueError("a part of a tile is missing")
    return position + 2
