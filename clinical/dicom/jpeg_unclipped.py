"""An 8-bit JPEG (ITU-T T.81) decoded to 12 bits, so that nothing of what it says is clipped.

The quantised coefficients are the same; only the precision in the frame header and the tables are
other ones. Each level is worth eight then, and half a range is left on either side. No encoder
writes a block whose mean, or a pixel that, lies further outside than its tables can put it: such
a stream was damaged, though it can be decoded.

One of 12 bits cannot be decoded to more. It is decoded with tables of nothing but ones instead,
which makes its range smaller by its own steps; multiplied by these again it says the same.
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
_ZIGZAG = sorted(
    ((row, column) for row in range(8) for column in range(8)),
    key=lambda rc: (sum(rc), rc[0] if sum(rc) % 2 else rc[1]),
)
_COSINES = np.cos(np.outer(_PLACE, 2 * _PLACE + 1) * np.pi / 16).astype(np.float32) / 2
_COSINES[0] = np.sqrt(1 / 8)
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
    # The first coefficient is eight times the mean; it may be off by a whole step.
    _check_means(blocks.mean(axis=(1, 3)), limit + GAIN * steps[0] / 8)
    _check_pixels(grey, limit + GAIN * _most_wrong(steps))


def shrunk(data: bytes) -> bytes:
    """A stream of 12 bits with steps of one, so that nothing of what it says is clipped.

    `data` itself where it is none, or has no room for it: the step of its means is one already.

    Raises:
        ValueError: if it is no JPEG, or a table is cut short.
    """
    frame = frame_of(data)
    if frame.precision != 12 or frame.marker != _EXTENDED or _brightness_steps(data)[0] < 2:
        return data
    out, position = [data[: start(data)]], start(data)
    for kind, body, end in segments(data, position):
        if kind == _DQT:
            body = b"".join(bytes([name]) + b"\1" * 64 for name in _tables(body))
        out.append(bytes([0xFF, kind]) + (len(body) + 2).to_bytes(2) + body)
        position = end
    return b"".join([*out, data[position:]])


def check_shrunk(data: bytes, pixels: NDArray[Any]) -> None:
    """Refuse pixels that no picture of 12 bits can have been coded to.

    Args:
        data: the stream as it was, of 12 bits.
        pixels: of the `shrunk` one, rows x columns.

    Raises:
        ValueError: if there are some.
    """
    steps = _brightness_steps(data)
    rows, columns = (side - side % 8 for side in pixels.shape)
    grey = pixels[:rows, :columns].astype(np.float32) - _HALF
    blocks = grey.reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2)
    # All pixels of a flat block may be rounded by the same half, which is then multiplied.
    _check_means(blocks.mean(axis=(2, 3)) * steps[0], _HALF + steps[0])
    # Where other steps are one already, little was made smaller, and sharp edges are still clipped.
    blocks = blocks[(np.abs(blocks + 0.5) < _HALF - 1).all(axis=(2, 3))]
    multiplied = (_COSINES @ blocks @ _COSINES.T) * _by_place(steps)
    _check_pixels(_COSINES.T @ multiplied @ _COSINES, _HALF + 3 * _most_wrong(steps))


def _check_means(means: NDArray[Any], limit: float) -> None:
    if np.abs(means).max(initial=0) > limit:
        raise ValueError("a block is darker than black or brighter than white")


def _check_pixels(pixels: NDArray[Any], limit: float) -> None:
    if np.abs(pixels).max(initial=0) > limit:
        raise ValueError("a pixel is darker than black or brighter than white")


def _by_place(steps: NDArray[np.int64]) -> NDArray[np.float32]:
    """Steps in zigzag order by row and column of a block."""
    placed = np.zeros((8, 8), np.float32)
    for place, step in zip(_ZIGZAG, steps, strict=True):
        placed[place] = step
    return placed


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
    weights = np.array([_LARGEST[row] * _LARGEST[column] for row, column in _ZIGZAG])
    return float(weights @ steps / 2)
