"""An 8-bit JPEG (ITU-T T.81) decoded to 12 bits, so that nothing of what it says is clipped.

The quantised coefficients are the same; only the precision in the frame header and the tables are
other ones. Each level is worth eight then, and half a range is left on either side. No encoder
writes a block whose mean, or a pixel that, lies further outside than its tables can put it: such
a stream was damaged, though it can be decoded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.dicom.jpeg_stream import END, frame_of, parts_of, segments, start

GAIN = 8
_HALF = 2048
_DQT, _BASELINE, _EXTENDED, _PROGRESSIVE = 0xDB, 0xC0, 0xC1, 0xC2
_ROUNDING = 12
"""Of the inverse transform and the colours, in twelfth-bit levels: one and a half of eight bits."""

_PLACE = np.arange(8)
_LARGEST = np.where(_PLACE == 0, np.sqrt(1 / 8), 1 / 2)
"""The largest value of each one-dimensional basis function, nearly."""


def variant(data: bytes) -> bytes:
    """The same stream at 12 bits; `data` itself where it is not of 8 bits in a DCT process.

    Raises:
        ValueError: if it is no JPEG, or a table is cut short.
    """
    frame = frame_of(data)
    if frame.precision != 8 or frame.marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE):
        return data
    out, position = [data[: start(data)]], start(data)
    marker = 0
    while marker != END:
        for kind, body, end in segments(data, position):
            out.append(_segment(kind, body))
            position = end
        _, behind, marker = parts_of(data, position)
        out.append(data[position:behind])
        position = behind
    return b"".join([*out, data[position:]])


def _segment(kind: int, body: bytes) -> bytes:
    if kind in (_BASELINE, _EXTENDED, _PROGRESSIVE):
        kind, body = max(kind, _EXTENDED), bytes([12]) + body[1:]
    elif kind == _DQT:
        steps = _tables(body)
        body = b"".join(
            bytes([0x10 | name]) + (table * GAIN).clip(1, 0xFFFF).astype(">u2").tobytes()
            for name, table in steps.items()
        )
    return bytes([0xFF, kind]) + (len(body) + 2).to_bytes(2) + body


def _tables(body: bytes) -> dict[int, NDArray[np.int64]]:
    """Number of each quantisation table to its 64 steps, in zigzag order."""
    found = {}
    while body:
        width = 1 + (body[0] >> 4)
        if len(body) < 1 + 64 * width or width > 2:
            raise ValueError("a quantisation table is cut short")
        found[body[0] & 15] = np.frombuffer(body, f">u{width}", 64, 1).astype(np.int64)
        body = body[1 + 64 * width :]
    return found


def check_range(data: bytes, pixels: NDArray[Any]) -> None:
    """Refuse pixels that no picture of 8 bits can have been coded to.

    Args:
        data: the stream as it was, of 8 bits.
        pixels: of its `variant`, rows x columns or rows x columns x RGB.

    Raises:
        ValueError: if there are some.
    """
    grey = pixels.astype(np.float32)
    if grey.ndim > 2:
        grey = grey @ np.array([0.299, 0.587, 0.114], np.float32)
    grey -= _HALF
    steps = _brightness_steps(data)
    limit = GAIN * 128 + _ROUNDING
    rows, columns = (side - side % 8 for side in grey.shape)
    blocks = grey[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8)
    furthest = np.abs(blocks.mean(axis=(1, 3))).max(initial=0)
    # The first coefficient is eight times the mean; it may be off by a whole step.
    if furthest > limit + GAIN * steps[0] / 8:
        raise ValueError("a block is darker than black or brighter than white")
    if np.abs(grey).max(initial=0) > limit + GAIN * _most_wrong(steps):
        raise ValueError("a pixel is darker than black or brighter than white")


def _brightness_steps(data: bytes) -> NDArray[np.int64]:
    """The table of the first component, as it stands before the first scan."""
    tables: dict[int, NDArray[np.int64]] = {}
    wanted = 0
    for kind, body, _ in segments(data, start(data)):
        if kind == _DQT:
            tables |= _tables(body)
        elif kind in (_BASELINE, _EXTENDED, _PROGRESSIVE):
            wanted = body[8]
    if wanted not in tables:
        raise ValueError("a quantisation table is missing")
    return tables[wanted]


def _most_wrong(steps: NDArray[np.int64]) -> float:
    """How far quantisation may move a pixel: half a step of every coefficient at once."""
    order = sorted(
        ((row, column) for row in range(8) for column in range(8)),
        key=lambda rc: (sum(rc), rc[0] if sum(rc) % 2 else rc[1]),
    )
    weights = np.array([_LARGEST[row] * _LARGEST[column] for row, column in order])
    return float(weights @ steps / 2)
