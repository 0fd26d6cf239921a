"""Marker segments and Huffman codes of JPEG (ITU-T T.81), for the processes Pillow does not decode.

Pillow decodes 8-bit JPEG. Radiographs also come as lossless JPEG (process 14) and as 12-bit
extended JPEG (process 4), for which the well-known decoder is GPL. `jpeg_lossless` and
`jpeg_extended` decode these two with numpy. Both rest on one idea: how many bits a Huffman code and
its extra bits take depends only on the next 16 bits, so `steps` looks that up at every bit position
at once, and the only sequential work left is following the steps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Frame:
    """The frame header (T.81 B.2.2; JPEG-LS has the same form).

    Attributes:
        marker: second byte of the SOFn marker, 0xC3 for lossless Huffman.
        precision: bits per sample.
        rows, columns, components: size of the image.
        quantisation_table: of the first component.
    """

    marker: int
    precision: int
    rows: int
    columns: int
    components: int
    quantisation_table: int


@dataclass(frozen=True)
class HuffmanTable:
    """Lookup by the next 16 bits: code length (0 where no code fits) and symbol."""

    length: NDArray[np.uint8]
    symbol: NDArray[np.uint8]


@dataclass(frozen=True)
class Stream:
    """One single-component scan, taken apart.

    Attributes:
        frame: size and precision.
        huffman: (class, identifier) to table; class 0 is DC or lossless, 1 is AC.
        quantisation: identifier to 64 steps in zigzag order.
        restart_interval: samples (lossless) or blocks between restarts, 0 for none.
        dc_table, ac_table: identifiers the scan uses.
        selection: predictor (lossless) or start of the spectrum.
        point_transform: Al, the left shift of lossless samples.
        segments: entropy-coded data between restart markers, without stuffed zeros, each padded
            with 8 zero bytes so that reading ahead is safe.
    """

    frame: Frame
    huffman: Mapping[tuple[int, int], HuffmanTable]
    quantisation: Mapping[int, NDArray[np.float32]]
    restart_interval: int
    dc_table: int
    ac_table: int
    selection: int
    point_transform: int
    segments: tuple[NDArray[np.uint8], ...]


def frame_of(data: bytes) -> Frame:
    """The frame header of a JPEG or JPEG-LS stream.

    Raises:
        ValueError: if there is none.
    """
    for marker, body, _ in _segments(data):
        if marker in _SOF:
            return _frame(marker, body)
    raise ValueError("no frame header")


def parse(data: bytes) -> Stream:
    """Take a single-component, single-scan stream apart.

    Raises:
        ValueError: if the stream is not well formed or has several components.
    """
    frame: Frame | None = None
    huffman: dict[tuple[int, int], HuffmanTable] = {}
    quantisation: dict[int, NDArray[np.float32]] = {}
    restart = 0
    for marker, body, end in _segments(data):
        if marker in _SOF:
            frame = _frame(marker, body)
        elif marker == 0xC4:
            huffman.update(_huffman_tables(body))
        elif marker == 0xDB:
            quantisation.update(_quantisation_tables(body))
        elif marker == 0xDD:
            restart = int.from_bytes(body[:2])
        elif marker == 0xDA:
            if frame is None or frame.components != 1 or len(body) != 6 or body[0] != 1:
                raise ValueError("not a scan of one component")
            return Stream(
                frame,
                huffman,
                quantisation,
                restart,
                dc_table=body[2] >> 4,
                ac_table=body[2] & 15,
                selection=body[3],
                point_transform=body[5] & 15,
                segments=_entropy_coded(data, end),
            )
    raise ValueError("no scan")


def _segments(data: bytes) -> list[tuple[int, bytes, int]]:
    """Marker, body and end position of each segment up to and with the first scan header."""
    if data[:2] != b"\xff\xd8":
        raise ValueError("no start of image")
    found = []
    position = 2
    while (match := _MARKER.match(data, position)) is not None:
        marker, position = match.group(1)[0], match.end()
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[position : position + 2])
        if marker == 0xD9 or length < 2 or position + length > len(data):
            raise ValueError("a marker segment is cut short")
        found.append((marker, data[position + 2 : position + length], position + length))
        position += length
        if marker == 0xDA:
            return found
    raise ValueError("no marker where one must be")


def _frame(marker: int, body: bytes) -> Frame:
    if len(body) < 9:
        raise ValueError("frame header too short")
    rows, columns = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    return Frame(marker, body[0], rows, columns, body[5], body[8])


def _huffman_tables(body: bytes) -> dict[tuple[int, int], HuffmanTable]:
    tables = {}
    while body:
        counts = body[1:17]
        total = sum(counts)
        if len(counts) < 16 or len(body) < 17 + total:
            raise ValueError("Huffman table too short")
        tables[body[0] >> 4, body[0] & 15] = _lookup(counts, body[17 : 17 + total])
        body = body[17 + total :]
    return tables


def _lookup(counts: bytes, symbols: bytes) -> HuffmanTable:
    # Canonical codes, T.81 annex C: consecutive within a length, doubled from one to the next.
    length = np.zeros(1 << 16, np.uint8)
    symbol = np.zeros(1 << 16, np.uint8)
    start, index = 0, 0
    for bits, count in enumerate(counts, start=1):
        width = 1 << (16 - bits)
        for value in symbols[index : index + count]:
            if start + width > 1 << 16:
                raise ValueError("more Huffman codes than bits allow")
            length[start : start + width] = bits
            symbol[start : start + width] = value
            start += width
        index += count
    return HuffmanTable(length, symbol)


def _quantisation_tables(body: bytes) -> dict[int, NDArray[np.float32]]:
    tables = {}
    while body:
        wide = body[0] >> 4
        size = 128 if wide else 64
        if len(body) < 1 + size:
            raise ValueError("quantisation table too short")
        steps = np.frombuffer(body[1 : 1 + size], ">u2" if wide else "u1")
        tables[body[0] & 15] = steps.astype(np.float32)
        body = body[1 + size :]
    return tables


def _entropy_coded(data: bytes, start: int) -> tuple[NDArray[np.uint8], ...]:
    segments = []
    position = start
    for match in _MARKER.finditer(data, start):
        segments.append(data[position : match.start()])
        position = match.end()
        if not 0xD0 <= match.group(1)[0] <= 0xD7:
            break
    else:
        raise ValueError("no end of image")
    return tuple(
        np.frombuffer(s.replace(b"\xff\x00", b"\xff") + bytes(8), np.uint8) for s in segments
    )


def steps(data: NDArray[np.uint8], lookup: NDArray[np.uint8]) -> bytes:
    """`lookup` of the 16 bits that begin at each bit position of `data` (its padding left out)."""
    out = np.empty((len(data) - 8, 8), np.uint8)
    for start in range(0, len(out), _CHUNK):
        part = data[start : start + _CHUNK + 2].astype(np.uint32)
        size = min(_CHUNK, len(out) - start)
        three = part[:size] << 16 | part[1 : size + 1] << 8 | part[2 : size + 2]
        for bit in range(8):
            out[start : start + size, bit] = lookup[three >> (8 - bit) & 0xFFFF]
    return out.tobytes()


def bits_at(data: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The 16 bits that begin at each of the bit `positions`, none of them beyond the data."""
    byte = positions >> 3
    first, second, third = (data[byte + k].astype(np.int64) for k in range(3))
    found: NDArray[np.int64] = (first << 16 | second << 8 | third) >> (8 - (positions & 7)) & 0xFFFF
    return found


def extend(bits: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Signed values of the first `size` (0 to 15) of 16 `bits` (T.81 F.2.2.1, EXTEND)."""
    value = bits >> (16 - size)
    return np.where(value >= (1 << size) >> 1, value, value - (1 << size) + 1)
