"""JPEG (ITU-T T.81) of one component: sequential DCT and lossless, with Huffman codes.

libjpeg-turbo decodes, and keeps silent where data are missing or left over: it would give a film
that was cut short a blank lower part. So a stream is decoded again with other bits behind its data,
and again with other bits in place of its last bytes. The first must not change the pixels, the
second must.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from imagecodecs import jpeg8_decode
from numpy.typing import NDArray

_LOSSLESS = 0xC3
PROCESSES = (0xC0, 0xC1, _LOSSLESS)
"""The frame markers of processes 1, 2 and 4, and 14."""

_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
_DRI, _SOS, _END = 0xDD, 0xDA, 0xD9
_RESTART = range(0xD0, 0xD8)
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")

_LAST = 8
"""Bytes at the end of which at least one bit must count. Encoders may flush a word too much."""

_OTHER = tuple(
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
    """

    marker: int
    precision: int
    rows: int
    columns: int
    components: int

    @property
    def edge(self) -> int:
        """Samples along the edge of one coded unit: a sample, or a block of 8 x 8."""
        return 1 if self.marker == _LOSSLESS else 8

    @property
    def grid(self) -> tuple[int, int]:
        """Units down and across."""
        return -(-self.rows // self.edge), -(-self.columns // self.edge)


@dataclass(frozen=True)
class _Stream:
    """Where the entropy-coded data of a stream are.

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
        """How many each must have: one for each code, and a block has at least two codes."""
        down, across = self.frame.grid
        codes: NDArray[np.int64] = np.diff(self.firsts, append=down * across)
        return codes if self.frame.edge == 1 else 2 * codes

    def with_tails(self, other: bytes, *, instead_of: int = 0) -> bytes:
        """The stream with `other` behind each part, or in place of its last bytes."""
        out, position = [], 0
        for start, end in self.parts:
            kept = self.data[position : max(start, end - instead_of)]
            # A 0xFF and the zero stuffed behind it go together.
            out += [kept.removesuffix(b"\xff"), other]
            position = end
        return b"".join([*out, self.data[position:]])


def frame_of(data: bytes) -> Frame:
    """The frame header of a JPEG or JPEG-LS stream.

    Raises:
        ValueError: if there is none.
    """
    for marker, body, _ in _segments(data, _start(data)):
        if marker in _SOF:
            if len(body) < 9:
                raise ValueError("frame header too short")
            rows, columns = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
            return Frame(marker, body[0], rows, columns, body[5])
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
    if any((jpeg8_decode(stream.with_tails(other)) != pixels).any() for other in _OTHER[:2]):
        raise EOFError("the entropy-coded data end too early")
    if not _ends_count(stream, pixels):
        raise ValueError("entropy-coded data are left over")
    return pixels


def _parse(data: bytes) -> _Stream:
    frame = frame_of(data)
    if frame.marker not in PROCESSES or frame.components != 1 or 0 in frame.grid:
        raise ValueError("not a sequential or lossless image of one component")
    segments = _segments(data, _start(data))
    stated = [int.from_bytes(body[:2]) for marker, body, _ in segments if marker == _DRI]
    interval = (stated[-1] if stated else 0) or frame.grid[0] * frame.grid[1]
    stream = _Stream(data, frame, interval, _parts(data, segments[-1][2]))
    _check_extent(stream)
    return stream


def _start(data: bytes) -> int:
    if data[:2] != b"\xff\xd8":
        raise ValueError("no start of image")
    return 2


def _segments(data: bytes, position: int) -> list[tuple[int, bytes, int]]:
    """Marker, body and end position of each segment up to and with the next scan header."""
    found = []
    while (match := _MARKER.match(data, position)) is not None:
        marker, position = match.group(1)[0], match.end()
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[position : position + 2])
        if marker == _END or length < 2 or position + length > len(data):
            raise ValueError("a marker segment is cut short")
        found.append((marker, data[position + 2 : position + length], position + length))
        position += length
        if marker == _SOS:
            return found
    raise ValueError("no marker where one must be")


def _parts(data: bytes, position: int) -> tuple[tuple[int, int], ...]:
    """Byte ranges of entropy-coded data between restart markers, up to the end of the image."""
    found: list[tuple[int, int]] = []
    while (match := _MARKER.search(data, position)) is not None:
        found.append((position, match.start()))
        marker, position = match.group(1)[0], match.end()
        if marker == _END:
            return tuple(found)
        if marker != _RESTART[(len(found) - 1) % len(_RESTART)]:
            raise ValueError("a marker where the image should go on")
    raise EOFError("no end of image")


def _check_extent(stream: _Stream) -> None:
    """As many restart intervals as the header says, and in each enough bits (T.81 E.1.4)."""
    down, across = stream.frame.grid
    if len(stream.parts) != -(-down * across // stream.interval):
        raise ValueError("restart intervals do not fit the image")
    if (stream.bits < stream.least).any():
        raise EOFError("fewer bits than codes")


def _ends_count(stream: _Stream, pixels: NDArray[Any]) -> bool:
    """Do other bits at the end of each part change pixels of that part?

    Tried with several, as a change may vanish by chance where pixels are saturated. A part that has
    hardly more bits than codes has none left over; a blank image, in which every code is the same,
    could not show it.
    """
    counted = stream.bits - 8 * _LAST <= stream.least
    for other in _OTHER:
        if counted.all():
            return True
        changed = jpeg8_decode(stream.with_tails(other, instead_of=_LAST)) != pixels
        counted |= np.logical_or.reduceat(_by_unit(changed, stream.frame), stream.firsts)
    return bool(counted.all())


def _by_unit(changed: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
    """Which units, in the order of the stream, hold a changed pixel."""
    (down, across), edge = frame.grid, frame.edge
    padded = np.zeros((down * edge, across * edge), np.bool_)
    padded[: frame.rows, : frame.columns] = changed
    found: NDArray[np.bool_] = padded.reshape(down, edge, across, edge).any(axis=(1, 3)).ravel()
    return found
