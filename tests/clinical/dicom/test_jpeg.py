"""JPEG streams against a small encoder and an inverse transform that follow ITU-T T.81 slowly."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from imagecodecs import jpeg8_decode, jpeg8_encode
from numpy.typing import NDArray
from PIL import Image

from clinical.dicom import jpeg, jpeg_file
from clinical.dicom.jpeg_stream import SOS, parts_of, segments, start

Pixels = NDArray[np.uint16]

END = b"\xff\xd9"

# One code of 5 bits for each of the 17 categories of difference.
DIFFERENCES = bytes([0, 0, 0, 0, 17, *([0] * 11)]) + bytes(range(17))
# The same for the 16 of a DCT stream, and one of 9 bits for each run and size.
DC = bytes([0, 0, 0, 0, 16, *([0] * 11)]) + bytes(range(16))
RUNS = bytes(16 * run + size for run in range(16) for size in range(15))
AC = bytes([*([0] * 8), len(RUNS), *([0] * 7)]) + RUNS
ZIGZAG = sorted(
    ((row, column) for row in range(8) for column in range(8)),
    key=lambda rc: (sum(rc), rc[0] if sum(rc) % 2 else rc[1]),
)
STEP = 3


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def signed(value: int) -> str:
    """Extra bits of a difference or coefficient (T.81 F.1.2.1)."""
    size = abs(value).bit_length()
    return f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else ""


def packed(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")


def joined(intervals: list[bytes]) -> bytes:
    """Intervals with restart markers between them, and the end of the image."""
    return (
        intervals[0]
        + b"".join(
            bytes([0xFF, 0xD0 + index % 8]) + part for index, part in enumerate(intervals[1:])
        )
        + END
    )


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
            else:
                bits += f"{abs(difference).bit_length():05b}" + signed(difference)
    return packed(bits)


def lossless(
    x: Pixels, predictor: int, precision: int, interval_rows: int = 0, shift: int = 0
) -> bytes:
    """A lossless JPEG stream of `x`, whose lowest `shift` bits are lost."""
    rows, columns = x.shape
    step = interval_rows or rows
    data = b"\xff\xd8" + segment(0xC4, b"\0" + DIFFERENCES)
    data += segment(0xC3, struct.pack(">BHHBBBB", precision, rows, columns, 1, 1, 0x11, 0))
    if interval_rows:
        data += segment(0xDD, struct.pack(">H", interval_rows * columns))
    data += segment(0xDA, bytes([1, 1, 0, predictor, 0, shift]))
    tops = range(0, rows, step)
    return data + joined(
        [
            coded(x >> shift, predictor, precision - shift, range(top, min(top + step, rows)))
            for top in tops
        ]
    )


def sequential(blocks: NDArray[np.int64], shape: tuple[int, int], interval: int = 0) -> bytes:
    """A 12-bit DCT stream of quantised coefficients, blocks x 64 in zigzag order."""
    data = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([STEP] * 64))
    data += segment(0xC4, b"\0" + DC) + segment(0xC4, b"\x10" + AC)
    data += segment(0xC1, struct.pack(">BHHBBBB", 12, *shape, 1, 1, 0x11, 0))
    data += segment(0xDD, struct.pack(">H", interval))
    data += segment(0xDA, bytes([1, 1, 0, 0, 63, 0]))
    step = interval or len(blocks)
    return data + joined(
        [packed(block_bits(blocks[top : top + step])) for top in range(0, len(blocks), step)]
    )


def block_bits(blocks: NDArray[np.int64]) -> str:
    bits, before = "", 0
    for block in blocks.tolist():
        difference, before = block[0] - before, block[0]
        bits += f"{abs(difference).bit_length():05b}" + signed(difference)
        run = 0
        for value in block[1:]:
            if value == 0:
                run += 1
                continue
            bits += f"{RUNS.index(0xF0):09b}" * (run // 16)
            size = abs(value).bit_length()
            bits += f"{RUNS.index(16 * (run % 16) + size):09b}" + signed(value)
            run = 0
        if run:
            bits += f"{RUNS.index(0):09b}"
    return bits


def cosines() -> NDArray[np.float64]:
    place, frequency = np.meshgrid(np.arange(8), np.arange(8))
    basis = np.cos((2 * place + 1) * frequency * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    return basis


def inverse_transform(blocks: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """T.81 A.3.3 in double precision, rounded and clipped to 12 bits."""
    basis = cosines()
    spectrum = np.zeros((len(blocks), 8, 8))
    for index, (row, column) in enumerate(ZIGZAG):
        spectrum[:, row, column] = blocks[:, index] * STEP
    down, across = -(-shape[0] // 8), -(-shape[1] // 8)
    tiles = (basis.T @ spectrum @ basis).reshape(down, across, 8, 8).transpose(0, 2, 1, 3)
    whole = tiles.reshape(8 * down, 8 * across)[: shape[0], : shape[1]]
    return np.clip(np.rint(whole + 2048), 0, 4095)


def some_blocks(count: int) -> NDArray[np.int64]:
    """Quantised coefficients of blocks of a picture, some of them black and white in places."""
    random = np.random.default_rng(3)
    slopes = random.normal(0, 80, (2, count, 1, 1))
    y, x = np.mgrid[:8, :8]
    level = random.integers(-300, 4400, (count, 1, 1))
    pixels = level + slopes[0] * x + slopes[1] * y + random.normal(0, 20, (count, 8, 8))
    spectrum = cosines() @ (np.rint(pixels).clip(0, 4095) - 2048) @ cosines().T
    in_order = np.stack([spectrum[:, row, column] for row, column in ZIGZAG], axis=1)
    return np.rint(in_order / STEP).astype(np.int64)


def noise(precision: int, shape: tuple[int, int] = (40, 40)) -> Pixels:
    return np.random.default_rng(0).integers(0, 1 << precision, shape).astype(np.uint16)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("precision", [8, 12, 16])
@pytest.mark.parametrize("interval_rows", [0, 4])
def test_lossless_round_trip(predictor: int, precision: int, interval_rows: int) -> None:
    pixels = noise(precision, (11, 13))
    pixels[2:5, 2:9] = 7
    decoded = jpeg.decode(lossless(pixels, predictor, precision, interval_rows))
    np.testing.assert_array_equal(decoded, pixels)


def test_lossless_difference_of_32768() -> None:
    pixels = np.array([[0, 32768, 0, 65535]], np.uint16)
    np.testing.assert_array_equal(jpeg.decode(lossless(pixels, 1, 16)), pixels)


def test_lossless_with_a_point_transform() -> None:
    pixels = noise(12)
    decoded = jpeg.decode(lossless(pixels, 4, 12, shift=3))
    np.testing.assert_array_equal(decoded, pixels >> 3 << 3)


@pytest.mark.parametrize("interval", [0, 1, 7])
def test_twelve_bit_dct_is_at_most_one_level_from_the_exact_transform(interval: int) -> None:
    shape = 53, 70
    blocks = some_blocks(7 * 9)
    decoded = jpeg.decode(sequential(blocks, shape, interval)).astype(int)
    expected = inverse_transform(blocks, shape)
    assert np.ptp(expected) == 4095
    np.testing.assert_allclose(decoded, expected, atol=1)


def test_eight_bits_as_pillow_has_them() -> None:
    y, x = np.mgrid[:53, :70]
    pixels = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85, restart_marker_blocks=4)
    with Image.open(buffer) as image:
        np.testing.assert_array_equal(jpeg.decode(buffer.getvalue()), np.asarray(image))


STREAMS = {
    "lossless": lossless(noise(12), 1, 12),
    "lossless with restarts": lossless(noise(16), 6, 16, 10),
    "12-bit DCT": sequential(some_blocks(25), (40, 40)),
    "12-bit DCT with restarts": sequential(some_blocks(25), (40, 40), 5),
    "8-bit DCT": bytes(jpeg8_encode(noise(8).astype(np.uint8), level=90)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_anywhere_is_refused(name: str) -> None:
    """With or without the end of the image set behind the cut again."""
    whole = STREAMS[name]
    assert jpeg.decode(whole).shape == (40, 40)
    begin = whole.index(b"\xff\xda") + 10
    for cut in [*range(begin, len(whole) - 3, 97), len(whole) - 4, len(whole) - 3]:
        for end in (b"", END):
            with pytest.raises((ValueError, EOFError)):
                jpeg.decode(whole[:cut].removesuffix(b"\xff") + end)


@pytest.mark.parametrize("name", ["lossless with restarts", "12-bit DCT with restarts"])
def test_an_interval_that_lost_its_end_is_refused(name: str) -> None:
    whole = STREAMS[name]
    for marker in (b"\xff\xd0", b"\xff\xd2"):
        before, after = whole.split(marker)
        with pytest.raises(EOFError):
            jpeg.decode(before[:-3].removesuffix(b"\xff") + marker + after)


@pytest.mark.parametrize("name", ["lossless with restarts", "12-bit DCT with restarts"])
def test_an_interval_lost_or_exchanged_is_refused(name: str) -> None:
    whole = STREAMS[name]
    first, second = whole.index(b"\xff\xd0"), whole.index(b"\xff\xd1")
    with pytest.raises(ValueError, match="where the image should go on"):
        jpeg.decode(whole[:first] + whole[second:])
    with pytest.raises(ValueError, match="do not fit the image"):
        jpeg.decode(whole[: whole.index(b"\xff\xd2")] + END)


@pytest.mark.parametrize("name", STREAMS)
def test_data_left_over_are_refused(name: str) -> None:
    """As they are where damage made the decoder lose its place; an odd word of padding is not."""
    whole = STREAMS[name].removesuffix(END)
    with pytest.raises(ValueError, match="left over"):
        jpeg.decode(whole + whole[-40:].removeprefix(b"\0") + END)
    np.testing.assert_array_equal(jpeg.decode(whole + bytes(4) + END), jpeg.decode(whole + END))


@pytest.mark.parametrize("name", ["lossless", "lossless with restarts", "8-bit DCT"])
def test_a_single_byte_left_over_is_refused(name: str) -> None:
    whole = STREAMS[name].removesuffix(END)
    with pytest.raises(ValueError, match="left over"):
        jpeg.decode(whole + b"\x5a" + END)


def test_a_scan_with_a_byte_left_over_is_refused() -> None:
    """Of a progressive file any scan, those that refine too."""
    buffer = BytesIO()
    pixels = np.add.outer(np.arange(160), np.arange(160)) * 0.6 + noise(5, (160, 160))
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", quality=90, progressive=True)
    whole = buffer.getvalue()
    jpeg_file.check_whole(whole)
    position, marker, scans = start(whole), SOS, 0
    while marker != jpeg.END:
        header = segments(whole, position)[-1]
        ((first, end),), position, marker = parts_of(whole, header[2])
        if end - first > 64:
            scans += 1
            with pytest.raises((ValueError, EOFError)):
                jpeg_file.check_whole(whole[:end] + b"\x5a\xa5\x5a\xa5" + whole[end:])
    assert scans >= 5


@pytest.mark.parametrize("first", [-1060, 1060])
def test_a_block_that_no_picture_has_is_refused(first: int) -> None:
    """One of 8 bits lies within 1,024 of grey; damage moves all that comes behind it."""
    blocks = np.zeros((25, 64), np.int64)
    blocks[:, 0] = np.linspace(0, first / STEP, 25)
    blocks[:, 1] = 7
    precision = b"\xff\xc1\0\x0b"
    stream = sequential(blocks, (40, 40)).replace(precision + b"\x0c", precision + b"\x08")
    with pytest.raises(ValueError, match="darker than black or brighter than white"):
        jpeg.decode(stream)
    inside = sequential(blocks * 15 // 16, (40, 40))
    assert jpeg.decode(inside.replace(precision + b"\x0c", precision + b"\x08")).shape == (40, 40)


@pytest.mark.parametrize("first", [-17_600, 17_600])
def test_a_block_that_no_picture_of_12_bits_has_is_refused(first: int) -> None:
    """One of 12 bits lies within 16,384 of grey, and is read with every step that leaves room."""
    blocks = np.zeros((25, 64), np.int64)
    blocks[:, 0] = np.linspace(0, first / STEP, 25)
    blocks[:, 1] = 7
    with pytest.raises(ValueError, match="darker than black or brighter than white"):
        jpeg.decode(sequential(blocks, (40, 40)))
    assert jpeg.decode(sequential(blocks * 14 // 16, (40, 40))).shape == (40, 40)


def test_a_pixel_that_no_picture_of_12_bits_has_is_refused() -> None:
    blocks = some_blocks(25)
    assert jpeg.decode(sequential(blocks, (40, 40))).shape == (40, 40)
    blocks[12, 40] = 4000
    with pytest.raises(ValueError, match="a pixel is darker"):
        jpeg.decode(sequential(blocks, (40, 40)))


EXTREMES = {
    "noise": noise(12, (61, 47)),
    "black and white noise": (noise(1, (61, 47)) * 4095).astype(np.uint16),
    "a board": (np.indices((61, 47)).sum(0) // 8 % 2 * 4095).astype(np.uint16),
    "single pixels": (np.indices((61, 47)).sum(0) % 2 * 4095).astype(np.uint16),
    "a ramp": np.add.outer(np.arange(61), np.arange(47)).astype(np.uint16) * 38,
    "black": np.zeros((61, 47), np.uint16),
    "white": np.full((61, 47), 4095, np.uint16),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("level", [10, 50, 75, 90, 95, 98, 100])
def test_whatever_was_coded_to_12_bits_is_read(name: str, level: int) -> None:
    stream = bytes(jpeg8_encode(EXTREMES[name], level=level, bitspersample=12))
    np.testing.assert_array_equal(jpeg.decode(stream), jpeg8_decode(stream))


def test_a_pixel_with_more_bits_than_the_image_is_refused() -> None:
    stream = lossless(noise(12), 1, 12)
    with pytest.raises(ValueError, match="more bits"):
        jpeg.decode(stream.replace(b"\xff\xc3\0\x0b\x0c", b"\xff\xc3\0\x0b\x0a"))


@pytest.mark.parametrize("level", [0, 2048, 4095])
@pytest.mark.parametrize("process", [{"lossless": True, "predictor": 1}, {"optimize": True}])
def test_a_blank_image_is_read(level: int, process: dict[str, int]) -> None:
    """Its codes are all the same, so that no bits could change it."""
    pixels = np.full((61, 47), level, np.uint16)
    stream = bytes(jpeg8_encode(pixels, bitspersample=12, **process))
    np.testing.assert_array_equal(jpeg.decode(stream), pixels)


def test_a_saturated_end_is_read() -> None:
    pixels = np.full((80, 80), 4095, np.uint16)
    pixels[:40] = noise(12, (40, 80))
    stream = bytes(jpeg8_encode(pixels, level=80, bitspersample=12))
    np.testing.assert_allclose(jpeg.decode(stream)[48:].astype(int), 4095, atol=20)


def test_what_is_no_such_stream() -> None:
    colour = bytes(jpeg8_encode(np.zeros((8, 8, 3), np.uint8)))
    for stream, words in [
        (b"", "no start of image"),
        (b"\xff\xd8" + END, "cut short"),
        (b"\xff\xd8\xff\xda\0\2", "no frame header"),
        (colour, "one component"),
    ]:
        with pytest.raises(ValueError, match=words):
            jpeg.decode(stream)
