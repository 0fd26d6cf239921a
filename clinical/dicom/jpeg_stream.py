"""The marker segments and entropy-coded data of a JPEG stream (ITU-T T.81 annex B)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOSSLESS = 0xC3
SOS, DRI, END = 0xDA, 0xDD, 0xD9
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
_RESTART = range(0xD0, 0xD8)
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
Segment = tuple[int, bytes, int]
"""Second byte of the marker, body, and position behind it."""

_MARKER = re.compile(rb"\xff+([\x01-\xfe])")


@dataclass(frozen=True)
class Frame:
    """The frame header (T.81 B.2.2; JPEG-LS has the same form).

    Attributes:
        marker: second byte of the SOFn marker, 0xC3 for lossless Huffman.
        precision: bits per sample.
        rows, columns, components: size of the image.
        sampling: horizontal and vertical sampling factor of each component.
    """

    marker: int
    precision: int
    rows: int
    columns: int
    components: int
    sampling: tuple[tuple[int, int], ...] = ((1, 1),)

    @property
    def edges(self) -> tuple[int, int]:
        """Pixels down and across one coded unit: a sample, a block of 8 x 8, or several blocks."""
        if self.marker == LOSSLESS:
            return 1, 1
        if self.components == 1:
            return 8, 8
        return 8 * max(v for _, v in self.sampling), 8 * max(h for h, _ in self.sampling)

    @property
    def grid(self) -> tuple[int, int]:
        """Units down and across."""
        down, across = self.edges
        return -(-self.rows // down), -(-self.columns // across)

    @property
    def codes(self) -> int:
        """How many codes a unit has at least: one for a sample, two for a block."""
        if self.marker == LOSSLESS:
            return 1
        return 2 if self.components == 1 else 2 * sum(h * v for h, v in self.sampling)


@dataclass(frozen=True)
class Stream:
    """Where the entropy-coded data of a stream of one scan are.

    Attributes:
        data: the whole stream.
        frame: its header.
        interval: units between restart markers.
        parts: byte ranges between restart markers.
    """

    data: bytes
    frame: Frame
    interval: int
    parts: tuple[tuple[int, int], ...]

    @property
    def firsts(self) -> NDArray[np.int64]:
        """The first unit of each part."""
        return np.arange(len(self.parts)) * self.interval

    @property
    def bits(self) -> NDArray[np.int64]:
        """How many bits each part has."""
        return np.array([8 * (end - start) for start, end in self.parts])

    @property
    def least(self) -> NDArray[np.int64]:
        """How many each must have: one for each code."""
        down, across = self.frame.grid
        units: NDArray[np.int64] = np.diff(self.firsts, append=down * across)
        return self.frame.codes * units


def with_tails(
    data: bytes, parts: Sequence[tuple[int, int]], other: bytes, *, instead_of: int = 0
) -> bytes:
    """`data` with `other` behind each part, or in place of its last bytes."""
    out, position = [], 0
    for start, end in parts:
        kept = data[position : max(start, end - instead_of)]
        # A 0xFF and the zero stuffed behind it go together.
        out += [kept.removesuffix(b"\xff"), other]
        position = end
    return b"".join([*out, data[position:]])


def frame_of(data: bytes) -> Frame:
    """The frame header of a JPEG or JPEG-LS stream.

    Raises:
        ValueError: if there is none.
    """
    for marker, body, _ in segments(data, start(data)):
        if marker in _SOF:
            if len(body) < 9 or len(body) < 6 + 3 * body[5]:
                raise ValueError("frame header too short")
            rows, columns = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            factors = tuple((byte >> 4, byte & 15) for byte in body[7 : 6 + 3 * body[5] : 3])
            return Frame(marker, body[0], rows, columns, body[5], factors)
    raise ValueError("no frame header")


def start(data: bytes) -> int:
    """Where the first marker segment begins.

    Raises:
        ValueError: if `data` are no JPEG.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("no start of image")
    return 2


def left_over(data: bytes) -> int:
    """Bytes behind the end of a stream of one scan, without padding.

    Raises:
        ValueError, EOFError: if it is no such stream.
    """
    _, position, _ = parts_of(data, segments(data, start(data))[-1][2])
    return len(data[position:].lstrip(b"\xff")[1:].strip(b"\0\xff"))


def segments(data: bytes, position: int) -> list[Segment]:
    """Marker, body and end position of each segment up to and with the next scan header.

    Raises:
        ValueError: if there is no such header.
    """
    found = []
    while (match := _MARKER.match(data, position)) is not None:
        marker, position = match.group(1)[0], match.end()
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[position : position + 2])
        if marker == END or length < 2 or position + length > len(data):
            raise ValueError("a marker segment is cut short")
        found.append((marker, data[position + 2 : position + length], position + length))
        position += length
        if marker == SOS:
            return found
    raise ValueError("no marker where one must be")


def parts_of(data: bytes, position: int) -> tuple[tuple[tuple[int, int], ...], int, int]:
    """Byte ranges of entropy-coded data between restart markers, and the marker behind them.

    Returns:
        The ranges, where the marker begins, and its second byte.

    Raises:
        EOFError: if there is no marker.
        ValueError: if the restart markers are out of order.
    """
    found: list[tuple[int, int]] = []
    while (match := _MARKER.search(data, position)) is not None:
        found.append((position, match.start()))
        marker, position = match.group(1)[0], match.end()
        if marker not in _RESTART:
            return tuple(found), match.start(), marker
        if marker != _RESTART[(len(found) - 1) % len(_RESTART)]:
            raise ValueError("a marker where the image should go on")
    raise EOFError("no end of image")
