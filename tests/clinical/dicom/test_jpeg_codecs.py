"""Our own JPEG decoders against a small encoder that follows ITU-T T.81 the slow way."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from clinical.dicom import jpeg_extended, jpeg_lossless

Pixels = NDArray[np.uint16]

# One code of 5 bits for each of the 17 categories of difference.
COUNTS = bytes([0, 0, 0, 0, 17, *([0] * 11)])


def predicted(x: Pixels, row: int, column: int, predictor: int, first: int, top: int) -> int:
    """T.81 table H.1; `top` is the first row of the restart interval."""
    if row == top:
        return int(x[row, column - 1]) if column else first
    if column == 0:
        return int(x[row - 1, 0])
    a, b, c = (int(x[i]) for i in ((row, column - 1), (row - 1, column), (row - 1, column - 1)))
    return {
        1: a,
        2: b,
        3: c,
        4: a + b - c,
        5: a + ((b - c) >> 1),
        6: b + ((a - c) >> 1),
        7: (a + b) >> 1,
    }[predictor]


def coded(x: Pixels, predictor: int, precision: int, rows: range) -> bytes:
    bits = ""
    for row in rows:
        for column in range(x.shape[1]):
            guess = predicted(x, row, column, predictor, 1 << (precision - 1), rows.start)
            difference = (int(x[row, column]) - guess + 32768) % 65536 - 32768
            if difference == -32768:
                bits += f"{16:05b}"
                continue
            size = abs(difference).bit_length()
            bits += f"{size:05b}"
            if size:
                extra = difference if difference > 0 else difference + (1 << size) - 1
                bits += f"{extra:0{size}b}"
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")


def lossless(x: Pixels, predictor: int, precision: int, interval_rows: int = 0) -> bytes:
    """A lossless JPEG stream of `x`."""

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    rows, columns = x.shape
    step = interval_rows or rows
    data = b"\xff\xd8" + segment(0xC4, bytes([0]) + COUNTS + bytes(range(17)))
    data += segment(0xC3, struct.pack(">BHHBBBB", precision, rows, columns, 1, 1, 0x11, 0))
    if interval_rows:
        data += segment(0xDD, struct.pack(">H", interval_rows * columns))
    data += segment(0xDA, bytes([1, 1, 0, predictor, 0, 0]))
    for index, top in enumerate(range(0, rows, step)):
        if index:
            data += bytes([0xFF, 0xD0 + (index - 1) % 8])
        data += coded(x, predictor, precision, range(top, min(top + step, rows)))
    return data + b"\xff\xd9"


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("precision", [8, 12, 16])
@pytest.mark.parametrize("interval_rows", [0, 4])
def test_lossless_round_trip(predictor: int, precision: int, interval_rows: int) -> None:
    random = np.random.default_rng(predictor)
    pixels = random.integers(0, 1 << precision, (11, 13)).astype(np.uint16)
    pixels[2:5, 2:9] = 7
    decoded = jpeg_lossless.decode(lossless(pixels, predictor, precision, interval_rows))
    np.testing.assert_array_equal(decoded, pixels)


def test_lossless_difference_of_32768() -> None:
    pixels = np.array([[0, 32768, 0, 65535]], np.uint16)
    np.testing.assert_array_equal(jpeg_lossless.decode(lossless(pixels, 1, 16)), pixels)


def test_lossless_data_that_end_too_early() -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (40, 40)).astype(np.uint16)
    whole = lossless(pixels, 1, 12)
    with pytest.raises((ValueError, IndexError)):
        jpeg_lossless.decode(whole[: len(whole) // 2] + b"\xff\xd9")
    with pytest.raises(ValueError, match="no end of image"):
        jpeg_lossless.decode(whole[: len(whole) // 2])


def test_extended_agrees_with_pillow_on_eight_bits() -> None:
    y, x = np.mgrid[:53, :70]
    pixels = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85, restart_marker_blocks=4)
    decoded = jpeg_extended.decode(buffer.getvalue()).astype(int)
    with Image.open(buffer) as image:
        np.testing.assert_allclose(decoded, np.asarray(image), atol=1)


def test_extended_data_that_end_too_early() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG")
    whole = buffer.getvalue()
    with pytest.raises((ValueError, IndexError)):
        jpeg_extended.decode(whole[: len(whole) - 500] + b"\xff\xd9")
