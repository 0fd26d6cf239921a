"""A film of 15 megapixels and 12 bits, in each transfer syntax, within time and memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from imagecodecs import htj2k_encode, jpeg2k_encode, jpeg8_decode, jpeg8_encode, jpegls_encode
from pydicom.encaps import encapsulate

from clinical.dicom import reader
from clinical.dicom.limits import Limits
from clinical.dicom.read import read_image

WriteDicom = Callable[..., Path]

ROWS, COLUMNS = 3520, 4280
SECONDS = 10.0
"""Of processor time; about 1.5 s are used, whatever else runs. The limit is 30 s."""
MEMORY = 1024**3


def film() -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    y, x = np.mgrid[:ROWS, :COLUMNS]
    smooth = 2000 + 900 * np.sin(x / 300) + 700 * np.cos(y / 200)
    noise = np.random.default_rng(0).normal(0, 8, (ROWS, COLUMNS))
    return (smooth + noise).round().clip(0, 4095).astype(np.uint16)


@pytest.mark.slow
def test_large_films_are_read_within_the_limits(write_dicom: WriteDicom) -> None:
    pixels = film()
    extended = bytes(jpeg8_encode(pixels, level=90, bitspersample=12))
    streams = {
        "70": bytes(jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=12)),
        "80": bytes(jpegls_encode(pixels)),
        "90": bytes(jpeg2k_encode(pixels, reversible=True, codecformat="J2K", bitspersample=12)),
        "201": bytes(htj2k_encode(pixels, reversible=True)),
        "51": extended,
    }
    for ending, stream in streams.items():
        path = write_dicom(
            pixels,
            transfer_syntax=f"1.2.840.10008.1.2.4.{ending}",
            BitsStored=12,
            PixelData=encapsulate([stream]),
        )
        reader.close()
        read = read_image(path, limits=Limits(seconds=SECONDS, memory_bytes=MEMORY)).values
        right = jpeg8_decode(extended) if ending == "51" else pixels
        np.testing.assert_array_equal(read, right.astype(np.float32), err_msg=ending)
