"""Lossless JPEG with Huffman coding: ITU-T T.81 process 14, all seven predictors.

DICOM transfer syntaxes 1.2.840.10008.1.2.4.57 and (predictor 1 only) 1.2.840.10008.1.2.4.70.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clinical.dicom import jpeg

_BATCH = 1 << 18
_BEYOND = 255


def decode(data: bytes) -> NDArray[np.uint16]:
    """Decode one single-component stream.

    Returns:
        uint16, rows x columns.

    Raises:
        ValueError: if the stream is not lossless Huffman JPEG of one component, or is broken.
        IndexError: if the entropy-coded data end too early.
    """
    stream = jpeg.parse(data)
    frame = stream.frame
    table = stream.huffman.get((0, stream.dc_table))
    if frame.marker != 0xC3 or table is None or not 1 <= stream.selection <= 7:
        raise ValueError("not lossless Huffman JPEG")
    if not 2 <= frame.precision <= 16 or frame.rows < 1 or frame.columns < 1:
        raise ValueError("impossible frame header")
    # T.81 H.1.1: a restart interval is a whole number of rows.
    rows, remainder = divmod(stream.restart_interval, frame.columns)
    rows = rows or frame.rows
    if remainder or len(stream.segments) != -(-frame.rows // rows):
        raise ValueError("restart intervals do not fit the image")
    first = 1 << (frame.precision - stream.point_transform - 1)
    out = np.empty((frame.rows, frame.columns), np.uint16)
    for index, segment in enumerate(stream.segments):
        part = out[index * rows : (index + 1) * rows]
        part[:] = _differences(segment, table, part.size).reshape(part.shape)
        _undo_prediction(part, stream.selection, first)
    out <<= stream.point_transform
    return out


def _differences(
    segment: NDArray[np.uint8], table: jpeg.HuffmanTable, count: int
) -> NDArray[np.uint16]:
    """The first `count` coded differences, modulo 2**16."""
    if table.symbol.max() > 16:
        raise ValueError("a difference category above 16")
    # Category 16 stands for 32768 and has no extra bits (T.81 H.1.2.2).
    extra = np.where(table.symbol == 16, 0, table.symbol)
    jump = np.where(table.length > 0, table.length + extra, _BEYOND).astype(np.uint8)
    step = jpeg.steps(segment, jump)
    out = np.empty(count, np.uint16)
    position = 0
    for start in range(0, count, _BATCH):
        positions = []
        for _ in range(min(_BATCH, count - start)):
            positions.append(position)
            position += step[position]
        where = np.array(positions, np.int64)
        code = jpeg.bits_at(segment, where)
        if not table.length[code].all():
            raise ValueError("a bit pattern that is no Huffman code")
        size = table.symbol[code].astype(np.int64)
        bits = np.minimum(size, 15)
        ahead = jpeg.bits_at(segment, np.minimum(where + table.length[code], 8 * len(segment) - 64))
        value = np.where(size == 16, 32768, jpeg.extend(ahead, bits))
        out[start : start + len(where)] = value.astype(np.uint16)
    if position > 8 * (len(segment) - 8):
        raise ValueError("the entropy-coded data end too early")
    return out


def _undo_prediction(part: NDArray[np.uint16], predictor: int, first: int) -> None:
    """Turn differences into samples, in place and modulo 2**16 (T.81 H.1.2.1, table H.1).

    The first row is always predicted from the left, the first column from above.
    """
    # Slices, not elements: arrays wrap around silently, scalars warn.
    part[:1, :1] += np.uint16(first)
    np.cumsum(part[:1], axis=1, out=part[:1])
    if predictor == 1:
        np.cumsum(part[:, :1], axis=0, out=part[:, :1])
        np.cumsum(part[1:], axis=1, out=part[1:])
    elif predictor == 2:
        np.cumsum(part, axis=0, out=part)
    else:
        for row in range(1, len(part)):
            _undo_row(part[row], part[row - 1].astype(np.int64), predictor)


def _undo_row(row: NDArray[np.uint16], above: NDArray[np.int64], predictor: int) -> None:
    row[:1] += above[:1].astype(np.uint16)
    if predictor == 3:
        row[1:] += above[:-1].astype(np.uint16)
    elif predictor in (4, 5):
        slope = np.diff(above) >> (predictor - 4)
        row[1:] += slope.astype(np.uint16)
        np.cumsum(row, out=row)
    else:
        differences, upper = row.tolist(), above.tolist()
        left = differences[0]
        for j in range(1, len(differences)):
            if predictor == 6:
                guess = upper[j] + ((left - upper[j - 1]) >> 1)
            else:
                guess = (left + upper[j]) >> 1
            left = (differences[j] + guess) & 0xFFFF
            differences[j] = left
        row[:] = differences
