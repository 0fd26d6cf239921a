"""JPEG (ITU-T T.81) with Huffman codes: whole, or not taken for an image.

libjpeg-turbo decodes, and keeps silent where data are missing or left over: it would give a film
that was cut short a blank lower part. So a stream is decoded again with other bits behind its data,
and again with other bits in place of its last bytes. The first must not change the pixels, the
second must. In DICOM there is one component in one scan; a JPEG file may have three, and several
scans (`jpeg_file`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from imagecodecs import jpeg8_decode
from numpy.typing import NDArray

_LOSSLESS = 0xC3
PROCESSES = (0xC0, 0xC1, _LOSSLESS)
"""The frame markers of processes 1, 2 and 4, and 14."""

_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
_DRI, SOS, END = 0xDD, 0xDA, 0xD9
_RESTART = range(0xD0, 0xD8)
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
Segment = tuple[int, bytes, int]
"""Second byte of the marker, body, and position behind it."""

_MARKER = re.compile(rb"\xff+([\x01-\xfe])")

LAST = 8
"""Bytes at the end of which at least one bit must count. Encoders may flush a word too much."""

OTHER = tuple(
    first + np.random.default_rng(seed).integers(0, 255, 96, np.uint8).tobytes()
    for seed, first in enumerate([b"\xaa", b"\x11"] * 4)
)
"""Bits to try, without 0xFF, which would begin a marker. The decoder itself fills with zeros, and
reads a code that the table lacks as symbol 0; high codes are often lacking, hence the low ones."""


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
        if self.marker == _LOSSLESS:
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
        if self.marker == _LOSSLESS:
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


def decode(data: bytes) -> NDArray[Any]:
    """Decode one single-component stream.

    Returns:
        uint8, or uint16 where the precision is above 8 bits; rows x columns.

    Raises:
        ValueError: if it is no such stream, or has data left over.
        EOFError: if its data end too early.
        RuntimeError: if libjpeg-turbo refuses it.
    """
    stream = _parse(data)
    pixels: NDArray[Any] = jpeg8_decode(data)
    check_enough(data, stream.parts, pixels)
    check_ends(stream, pixels)
    return pixels


def check_enough(data: bytes, parts: Sequence[tuple[int, int]], pixels: NDArray[Any]) -> None:
    """Refuse data that end before the image does: what comes behind would change the pixels.

    Raises:
        EOFError: if so.
    """
    for other in OTHER[:2]:
        if (jpeg8_decode(with_tails(data, parts, other)) != pixels).any():
            raise EOFError("the entropy-coded data end too early")


def _parse(data: bytes) -> Stream:
    frame = frame_of(data)
    if frame.marker not in PROCESSES or frame.components != 1 or 0 in frame.grid:
        raise ValueError("not a sequential or lossless image of one component")
    found = segments(data, start(data))
    parts, _, marker = parts_of(data, found[-1][2])
    if marker != END:
        raise ValueError("a marker where the image should go on")
    return stream_of(data, frame, found, parts)


def stream_of(
    data: bytes, frame: Frame, found: list[Segment], parts: tuple[tuple[int, int], ...]
) -> Stream:
    """The only scan of `data`, once it is known to have as many parts and bits as it must.

    Raises:
        ValueError, EOFError: if not.
    """
    stated = [int.from_bytes(body[:2]) for marker, body, _ in found if marker == _DRI]
    interval = (stated[-1] if stated else 0) or frame.grid[0] * frame.grid[1]
    stream = Stream(data, frame, interval, parts)
    _check_extent(stream)
    return stream


def start(data: bytes) -> int:
    """Where the first marker segment begins.

    Raises:
        ValueError: if `data` are no JPEG.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("no start of image")
    return 2


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


def _check_extent(stream: Stream) -> None:
    """As many restart intervals as the header says, and in each enough bits (T.81 E.1.4)."""
    down, across = stream.frame.grid
    if len(stream.parts) != -(-down * across // stream.interval):
        raise ValueError("restart intervals do not fit the image")
    if (stream.bits < stream.least).any():
        raise EOFError("fewer bits than codes")


def check_ends(stream: Stream, pixels: NDArray[Any]) -> None:
    """Refuse data that are left over: other bits at the end of a part must change its pixels.

    Tried with several, as a change may vanish by chance where pixels are saturated. A part that has
    hardly more bits than codes has none left over; a blank image, in which every code is the same,
    could not show it.

    Raises:
        ValueError: if data are left over.
    """
    counted = stream.bits - 8 * LAST <= stream.least
    for other in OTHER:
        if counted.all():
            return
        tried = with_tails(stream.data, stream.parts, other, instead_of=LAST)
        changed = jpeg8_decode(tried) != pixels
        changed = changed.any(axis=2) if changed.ndim > 2 else changed
        counted |= np.logical_or.reduceat(_by_unit(changed, stream.frame), stream.firsts)
    if not counted.all():
        raise ValueError("entropy-coded data are left over")


def _by_unit(changed: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
    """Which units, in the order of the stream, hold a changed pixel."""
    (down, across), (high, wide) = frame.grid, frame.edges
    padded = np.zeros((down * high, across * wide), np.bool_)
    padded[: frame.rows, : frame.columns] = changed
    found: NDArray[np.bool_] = padded.reshape(down, high, across, wide).any(axis=(1, 3)).ravel()
    return found
