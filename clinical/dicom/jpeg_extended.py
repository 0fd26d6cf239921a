"""Sequential DCT JPEG with 12-bit samples: ITU-T T.81 process 4, one component.

DICOM transfer syntax 1.2.840.10008.1.2.4.51. Eight-bit streams go to Pillow.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clinical.dicom import jpeg

_BEYOND = 255
_END_OF_BLOCK = 128


def _zigzag() -> NDArray[np.int64]:
    order = sorted(
        ((row, column) for row in range(8) for column in range(8)),
        key=lambda rc: (sum(rc), rc[0] if sum(rc) % 2 else rc[1]),
    )
    return np.array([8 * row + column for row, column in order])


def _basis() -> NDArray[np.float32]:
    # T.81 A.3.3: C(u)/2 cos((2x+1) u pi / 16), frequency by place.
    place, frequency = np.meshgrid(np.arange(8), np.arange(8))
    basis = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


def decode(data: bytes) -> NDArray[np.uint16]:
    """Decode one single-component stream of up to 12 bits.

    Returns:
        uint16, rows x columns.

    Raises:
        ValueError: if the stream is not sequential Huffman JPEG of one component, or is broken.
        IndexError: if the entropy-coded data end too early.
    """
    stream = jpeg.parse(data)
    frame = stream.frame
    quantisation = stream.quantisation.get(frame.quantisation_table)
    if frame.marker not in (0xC0, 0xC1) or frame.precision > 12 or quantisation is None:
        raise ValueError("not sequential DCT JPEG")
    down, across = -(-frame.rows // 8), -(-frame.columns // 8)
    blocks = down * across
    interval = stream.restart_interval or blocks
    if blocks == 0 or len(stream.segments) != -(-blocks // interval):
        raise ValueError("restart intervals do not fit the image")
    bounds = [*range(0, blocks, interval), blocks]
    coefficients = np.zeros((blocks, 64), np.float32)
    for segment, (start, end) in zip(stream.segments, pairwise(bounds), strict=True):
        _fill(coefficients[start:end], segment, stream)
    coefficients *= quantisation
    spectrum = np.empty_like(coefficients)
    spectrum[:, _zigzag()] = coefficients
    basis = _basis()
    tiles = basis.T @ spectrum.reshape(blocks, 8, 8) @ basis
    samples = tiles.reshape(down, across, 8, 8).transpose(0, 2, 1, 3).reshape(8 * down, 8 * across)
    top = (1 << frame.precision) - 1
    levels = np.clip(np.rint(samples + (top + 1) // 2), 0, top)
    return levels[: frame.rows, : frame.columns].astype(np.uint16)


def _fill(out: NDArray[np.float32], segment: NDArray[np.uint8], stream: jpeg.Stream) -> None:
    """Decode one restart interval into `out`, blocks x 64 in zigzag order (T.81 F.2.2)."""
    dc = stream.huffman.get((0, stream.dc_table))
    ac = stream.huffman.get((1, stream.ac_table))
    if dc is None or ac is None or dc.symbol.max() > 15:
        raise ValueError("Huffman tables missing or impossible")
    dc_at, ac_at, place = _follow(segment, dc, ac, len(out))
    steps = _values(segment, dc, dc_at, dc.symbol)
    out[:, 0] = np.cumsum(steps)
    size = ac.symbol & np.uint8(15)
    values = _values(segment, ac, ac_at, size)
    # An end of block or a run of zeros carries no value and may point anywhere.
    carries = size[jpeg.bits_at(segment, ac_at)] > 0
    out.reshape(-1)[place[carries]] = values[carries]


def _follow(
    segment: NDArray[np.uint8], dc: jpeg.HuffmanTable, ac: jpeg.HuffmanTable, blocks: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Bit positions of the DC and the AC codes, and the place of each AC code in `blocks` x 64."""
    run, size = ac.symbol >> np.uint8(4), ac.symbol & np.uint8(15)
    # End of block (run < 15, size 0) leaves the block further than any run could.
    advance = np.where((size == 0) & (run < 15), _END_OF_BLOCK, run + 1).astype(np.uint8)
    dc_step = jpeg.steps(segment, _jump(dc, dc.symbol))
    ac_step = jpeg.steps(segment, _jump(ac, size))
    ac_advance = jpeg.steps(segment, advance)
    dc_at, ac_at, place = [], [], []
    position = 0
    for base in range(0, 64 * blocks, 64):
        dc_at.append(position)
        position += dc_step[position]
        coefficient = 1
        while coefficient < 64:
            ac_at.append(position)
            coefficient += ac_advance[position]
            place.append(base + coefficient - 1)
            position += ac_step[position]
        if 64 < coefficient < _END_OF_BLOCK:
            raise ValueError("a run beyond the last coefficient")
    if position > 8 * (len(segment) - 8):
        raise ValueError("the entropy-coded data end too early")
    return np.array(dc_at, np.int64), np.array(ac_at, np.int64), np.array(place, np.int64)


def _jump(table: jpeg.HuffmanTable, size: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(table.length > 0, table.length + size, _BEYOND).astype(np.uint8)


def _values(
    segment: NDArray[np.uint8],
    table: jpeg.HuffmanTable,
    positions: NDArray[np.int64],
    sizes: NDArray[np.uint8],
) -> NDArray[np.int64]:
    code = jpeg.bits_at(segment, positions)
    if not table.length[code].all():
        raise ValueError("a bit pattern that is no Huffman code")
    ahead = np.minimum(positions + table.length[code], 8 * len(segment) - 64)
    return jpeg.extend(jpeg.bits_at(segment, ahead), sizes[code].astype(np.int64))
