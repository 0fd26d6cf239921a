"""Compressed films with a few bytes overwritten: how many are still taken for whole.

No format here has a checksum, so that a stream which was damaged may be the right one of another
picture. What can be known is known: the counts are upper bounds (docs/reading-images.md).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import (
    htj2k_encode,
    jpeg2k_decode,
    jpeg2k_encode,
    jpeg8_decode,
    jpeg8_encode,
    jpegls_encode,
)
from numpy.typing import NDArray
from PIL import Image

from clinical.dicom import codecs, jpeg_2000, jpeg_file
from clinical.dicom.cells import Layout, placed, stored_values
from clinical.dicom.picture import PARSER_ERRORS
from clinical.dicom.read import read_image
from clinical.errors import ImageUnreadable

FILMS = Path(__file__).parents[3] / "sample_data" / "cohort" / "images"
TRIALS = 50
SIZES = (1, 1, 4, 16)
Pixels = NDArray[Any]


def of_bits(film: Pixels, bits: int) -> Pixels:
    low, high = film.min(), film.max()
    scaled = (film - low) / (high - low) * ((1 << bits) - 1)
    return scaled.round().astype(np.uint8 if bits == 8 else np.uint16)


def jpeg(film: Pixels, **options: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(of_bits(film, 8)).save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


ENCODED: dict[str, tuple[str, int, Callable[[Pixels], bytes], int]] = {
    "baseline JPEG": ("50", 8, lambda film: jpeg(film, optimize=True), 18),
    "progressive JPEG": ("", 8, lambda film: jpeg(film, progressive=True), 21),
    "lossless JPEG": (
        "70",
        12,
        lambda film: bytes(jpeg8_encode(of_bits(film, 12), lossless=True, bitspersample=12)),
        16,
    ),
    "12-bit JPEG": (
        "51",
        12,
        lambda film: bytes(jpeg8_encode(of_bits(film, 12), level=90, bitspersample=12)),
        17,
    ),
    "JPEG-LS": ("80", 12, lambda film: bytes(jpegls_encode(of_bits(film, 12))), 2),
    "JPEG 2000": (
        "90",
        12,
        lambda film: bytes(
            jpeg2k_encode(of_bits(film, 12), reversible=True, codecformat="J2K", bitspersample=12)
        ),
        2,
    ),
    "HTJ2K": ("201", 12, lambda film: bytes(htj2k_encode(of_bits(film, 12), reversible=True)), 42),
}
"""Name to the end of the transfer syntax, bits, encoder, and how many of 50 may go unnoticed."""


def decoded(ending: str, bits: int, stream: bytes, shape: tuple[int, ...]) -> Pixels:
    if not ending:
        jpeg_file.check_whole(stream)
        return np.asarray(jpeg8_decode(stream))
    layout = Layout(shape[0], shape[1], 8 if bits == 8 else 16, bits, bits - 1, signed=False)
    uid = f"1.2.840.10008.1.2.4.{ending}"
    samples = codecs.DECODERS[uid](stream, layout)
    cells = placed(samples, layout, lossless=uid in codecs.LOSSLESS)
    return stored_values(cells, signed=False)


def textured(rows: int, columns: int) -> Pixels:
    y, x = np.mgrid[:rows, :columns]
    noise = np.random.default_rng(rows).normal(0, 9, (rows, columns))
    return np.asarray((np.sin(x / 17) + np.cos(y / 23)) * 60 + 120 + noise).clip(0, 255)


@pytest.mark.parametrize("level", [None, 45, 60])
def test_a_byte_changed_in_a_code_block_is_noticed(level: int | None) -> None:
    """The arithmetic coder has used more or fewer bytes at its end than there are.

    Not in the last few bytes of a block, of which a small film with small blocks has many.
    """
    film = of_bits(textured(200, 230), 12)
    stream = bytes(
        jpeg2k_encode(
            film, level=level, reversible=level is None, codecformat="J2K", bitspersample=12
        )
    )
    whole = jpeg_2000.decode(stream)
    first, noticed = stream.find(b"\xff\x93") + 14, 0
    places = np.linspace(first, len(stream) - 40, 25).astype(int)
    for place in places:
        damaged = bytearray(stream)
        damaged[place] ^= 0x2D
        try:
            noticed += bool((jpeg_2000.decode(bytes(damaged)) == whole).all())
        except PARSER_ERRORS:
            noticed += 1
    assert noticed >= 22, f"{noticed} of {len(places)}"


STYLES = [
    {"irreversible": irreversible, "codeblock_size": size, "progression": order, **quality}
    for irreversible in (False, True)
    for size, order in (((64, 64), "LRCP"), ((4, 256), "RPCL"), ((16, 32), "CPRL"))
    for quality in (
        {"quality_mode": "rates", "quality_layers": [1.0]},
        {"quality_mode": "rates", "quality_layers": [80.0, 20.0, 5.0]},
        {"quality_mode": "dB", "quality_layers": [30.0, 45.0], "tile_size": (64, 64)},
    )
]


@pytest.mark.parametrize("style", STYLES, ids=str)
@pytest.mark.parametrize("bits", [8, 12])
def test_whatever_was_written_as_jpeg_2000_is_read(style: dict[str, Any], bits: int) -> None:
    """Cut to a size, in layers, in tiles: the lengths of its code blocks are then estimates."""
    buffer = BytesIO()
    film = of_bits(textured(131, 150), bits)
    Image.fromarray(film).save(buffer, "JPEG2000", no_jp2=True, **style)
    stream = buffer.getvalue()
    np.testing.assert_array_equal(jpeg_2000.decode(stream), jpeg2k_decode(stream))


def test_what_the_decoder_warns_of_is_logged_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    stream = bytearray(jpeg2k_encode(of_bits(textured(200, 230), 8), codecformat="J2K"))
    stream[len(stream) // 2] ^= 0x2D
    with pytest.raises(ValueError, match="does not end where its data do"):
        jpeg_2000.decode(bytes(stream))
    assert caplog.records == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODED)
def test_most_damage_is_noticed(name: str) -> None:
    ending, bits, encode, most = ENCODED[name]
    films = [read_image(path).values for path in sorted(FILMS.glob("*.dcm"))[:10]]
    streams = [encode(film) for film in films]
    whole = [
        decoded(ending, bits, stream, film.shape)
        for stream, film in zip(streams, films, strict=True)
    ]
    random, unnoticed = np.random.default_rng(1), 0
    for trial in range(TRIALS):
        stream, pixels = streams[trial % len(films)], whole[trial % len(films)]
        data = max(stream.find(b"\xff\xda"), stream.find(b"\xff\x93")) + 14
        place, size = int(random.integers(data, len(stream) - 20)), int(random.choice(SIZES))
        other = random.integers(0, 255, size, np.uint8).tobytes()
        damaged = stream[:place] + other + stream[place + size :]
        try:
            found = decoded(ending, bits, damaged, pixels.shape)
        except (*PARSER_ERRORS, ImageUnreadable):
            continue
        unnoticed += bool((found != pixels).any())
    print(f"{name}: {unnoticed} of {TRIALS} unnoticed")
    assert unnoticed <= most
