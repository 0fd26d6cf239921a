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
    jpeg2k_encode,
    jpeg8_decode,
    jpeg8_encode,
    jpegls_encode,
)
from numpy.typing import NDArray
from PIL import Image

from clinical.dicom import codecs, jpeg_file
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
        35,
    ),
    "JPEG-LS": ("80", 12, lambda film: bytes(jpegls_encode(of_bits(film, 12))), 2),
    "JPEG 2000": (
        "90",
        12,
        lambda film: bytes(
            jpeg2k_encode(of_bits(film, 12), reversible=True, codecformat="J2K", bitspersample=12)
        ),
        35,
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
