"""JPEG (ITU-T T.81) with Huffman codes: whole, or not taken for an image.

libjpeg-turbo decodes, and keeps silent where data are missing or left over: it would give a film
that was cut short a blank lower part. So a stream is decoded again with other bits behind its data,
and again with other bits in place of its last byte. The first must not change the pixels, the
second must. In DICOM there is one component in one scan; a JPEG file may have three, and several
scans (`jpeg_file`). A stream of 8 bits is tried at 12, where no change is clipped away, and one of
12 bits with smaller steps (`jpeg_unclipped`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from imagecodecs import jpeg8_decode
from numpy.typing import NDArray

from clinical.dicom import jpeg_unclipped
from clinical.dicom.jpeg_stream import (
    DRI,
    END,
    LOSSLESS,
    Frame,
    Segment,
    Stream,
    frame_of,
    parts_of,
    segments,
    start,
    with_tails,
)

PROCESSES = (0xC0, 0xC1, LOSSLESS)
"""The frame markers of processes 1, 2 and 4, and 14."""

_PADDING = re.compile(rb"(?:\0|\xff\0){1,8}\Z")
"""Encoders may flush a word too much, of zeros or of ones."""

LAST = 8
"""Bytes at the end of which one must count, where a change of the last one may not be seen."""

OTHER = tuple(
    first + np.random.default_rng(seed).integers(0, 255, 96, np.uint8).tobytes()
    for seed, first in enumerate([b"\xaa", b"\x11", b"\xcc", b"\x3c"] * 2)
)
"""Bits to try, without 0xFF, which would begin a marker. The decoder itself fills with zeros, and
reads a code that the table lacks as symbol 0; high codes are often lacking, hence the low ones."""


def decode(data: bytes) -> NDArray[Any]:
    """Decode one single-component stream.

    Returns:
        uint8, or uint16 where the precision is above 8 bits; rows x columns.

    Raises:
        ValueError: if it is no such stream, or has data left over.
        EOFError: if its data end too early.
        RuntimeError: if libjpeg-turbo refuses it.
    """
    frame = frame_of(data)
    if frame.marker not in PROCESSES or frame.components != 1 or 0 in frame.grid:
        raise ValueError("not a sequential or lossless image of one component")
    pixels: NDArray[Any] = jpeg8_decode(data)
    if frame.marker == LOSSLESS and (pixels >> frame.precision).any():
        raise ValueError("a pixel has more bits than the image")
    tried = jpeg_unclipped.variant(data)
    shown = pixels if tried is data else jpeg8_decode(tried)
    found = segments(tried, start(tried))
    parts, _, marker = parts_of(tried, found[-1][2])
    if marker != END:
        raise ValueError("a marker where the image should go on")
    stream = stream_of(tried, frame, found, parts)
    check_enough(tried, stream.parts, shown)
    check_ends(stream, shown)
    if tried is not data:
        jpeg_unclipped.check_range(data, shown)
    shrunk = jpeg_unclipped.shrunk(data)
    if shrunk is not data:
        jpeg_unclipped.check_shrunk(data, jpeg8_decode(shrunk))
    return pixels


def check_enough(data: bytes, parts: Sequence[tuple[int, int]], pixels: NDArray[Any]) -> None:
    """Refuse data that end before the image does: what comes behind would change the pixels.

    Raises:
        EOFError: if so.
    """
    for other in OTHER[:2]:
        if (jpeg8_decode(with_tails(data, parts, other)) != pixels).any():
            raise EOFError("the entropy-coded data end too early")


def stream_of(
    data: bytes, frame: Frame, found: list[Segment], parts: tuple[tuple[int, int], ...]
) -> Stream:
    """The only scan of `data`, once it is known to have as many parts and bits as it must.

    Raises:
        ValueError, EOFError: if not.
    """
    stated = [int.from_bytes(body[:2]) for marker, body, _ in found if marker == DRI]
    interval = (stated[-1] if stated else 0) or frame.grid[0] * frame.grid[1]
    stream = Stream(data, frame, interval, parts)
    _check_extent(stream)
    return stream


def _check_extent(stream: Stream) -> None:
    """As many restart intervals as the header says, and in each enough bits (T.81 E.1.4)."""
    down, across = stream.frame.grid
    if len(stream.parts) != -(-down * across // stream.interval):
        raise ValueError("restart intervals do not fit the image")
    if (stream.bits < stream.least).any():
        raise EOFError("fewer bits than codes")


def check_ends(stream: Stream, pixels: NDArray[Any]) -> None:
    """Refuse data that are left over: another byte at the end of a part must change its pixels.

    Tried with several, as a change may vanish by chance. A part that has hardly more bits than
    codes has none left over; a blank image, in which every code is the same, could not show it.

    Raises:
        ValueError: if data are left over.
    """
    counted = stream.bits - 8 * LAST <= stream.least
    parts = without_padding(stream.data, stream.parts)
    for other in OTHER:
        if counted.all():
            return
        tried = with_tails(stream.data, parts, other, instead_of=_uncounted(stream.frame))
        changed = jpeg8_decode(tried) != pixels
        changed = changed.any(axis=2) if changed.ndim > 2 else changed
        counted |= np.logical_or.reduceat(_by_unit(changed, stream.frame), stream.firsts)
    if not counted.all():
        raise ValueError("entropy-coded data are left over")


def _uncounted(frame: Frame) -> int:
    """Bytes to change: the last one, but more where that may not be seen.

    Pixels of 12 bits are clipped; and the colours of a grey picture have a single code.
    """
    seen = frame.components == 1 and (frame.precision == 8 or frame.marker == LOSSLESS)
    return 1 if seen else LAST


def without_padding(data: bytes, parts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts, each without what its encoder may have flushed too much."""
    shorter = []
    for first, end in parts:
        padding = _PADDING.search(data, max(first, end - 16), end)
        shorter.append((first, padding.start() if padding else end))
    return shorter


def _by_unit(changed: NDArray[np.bool_], frame: Frame) -> NDArray[np.bool_]:
    """Which units, in the order of the stream, hold a changed pixel."""
    (down, across), (high, wide) = frame.grid, frame.edges
    padded = np.zeros((down * high, across * wide), np.bool_)
    padded[: frame.rows, : frame.columns] = changed
    found: NDArray[np.bool_] = padded.reshape(down, high, across, wide).any(axis=(1, 3)).ravel()
    return found
