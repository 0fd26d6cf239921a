"""Encapsulated pixel data: what comes back, and that nothing incomplete is taken for an image."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import (
    htj2k_encode,
    jpeg2k_encode,
    jpeg8_encode,
    jpegls_encode,
    packbits_encode,
)
from PIL import Image
from pydicom.encaps import encapsulate

from clinical.dicom.read import read_image
from clinical.errors import ImageUnreadable

WriteDicom = Callable[..., Path]

END = b"\xff\xd9"
RLE = "1.2.840.10008.1.2.5"
BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"
LOSSLESS_JPEG = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"
HTJ2K = "1.2.840.10008.1.2.4.201"

FILM = np.random.default_rng(1).normal(2000, 300, (90, 70)).clip(0, 4095).astype("<u2")


def rle(*segments: bytes) -> bytes:
    """PS3.5 annex G.5."""
    starts = [64 + sum(map(len, segments[:index])) for index in range(len(segments))]
    header = struct.pack("<16L", len(segments), *starts, *[0] * (15 - len(segments)))
    return header + b"".join(segments)


def film_in_rle() -> bytes:
    planes = (FILM >> 8).astype("u1"), (FILM & 255).astype("u1")
    return rle(*(bytes(packbits_encode(plane)) for plane in planes))


FRAMES = {
    RLE: film_in_rle(),
    BASELINE: bytes(jpeg8_encode((FILM >> 4).astype("u1"))),
    EXTENDED: bytes(jpeg8_encode(FILM, level=90, bitspersample=12)),
    LOSSLESS_JPEG: bytes(jpeg8_encode(FILM, lossless=True, bitspersample=12)),
    JPEG_LS: bytes(jpegls_encode(FILM)),
    JPEG_2000: bytes(
        jpeg2k_encode(FILM, codecformat="J2K", bitspersample=12, reversible=True, resolutions=4)
    ),
    HTJ2K: bytes(htj2k_encode(FILM, resolutions=4)),
}


@pytest.fixture
def write_frame(write_dicom: WriteDicom) -> WriteDicom:
    """write_frame(frame, transfer_syntax, **attributes) writes a file of FILM's size."""

    def write(frame: bytes, transfer_syntax: str, **attributes: Any) -> Path:
        pixels = FILM.astype("u1") if transfer_syntax == BASELINE else FILM
        stated = {"BitsStored": 8 if transfer_syntax == BASELINE else 12, **attributes}
        data = encapsulate([frame])
        return write_dicom(pixels, transfer_syntax=transfer_syntax, PixelData=data, **stated)

    return write


@pytest.mark.parametrize("transfer_syntax", [BASELINE, EXTENDED, LOSSLESS_JPEG, JPEG_2000, HTJ2K])
def test_what_lies_behind_the_end_is_reported(
    write_frame: WriteDicom, transfer_syntax: str
) -> None:
    """Not padding, of which there may be some; encoders write whole buffers at times."""
    frame = FRAMES[transfer_syntax]
    sound = read_image(write_frame(frame + b"\0\0\xff", transfer_syntax))
    odd = read_image(write_frame(frame + b"\x12\x34" * 50, transfer_syntax))
    assert "warnings" not in sound.source
    assert odd.source["warnings"] == (
        "There are 100 bytes behind the end of the compressed image; they were left out."
    )
    assert odd.digest == sound.digest


@pytest.mark.parametrize("transfer_syntax", [RLE, LOSSLESS_JPEG, JPEG_LS, JPEG_2000, HTJ2K])
def test_lossless_frames_come_back(write_frame: WriteDicom, transfer_syntax: str) -> None:
    image = read_image(write_frame(FRAMES[transfer_syntax], transfer_syntax))
    np.testing.assert_array_equal(image.values, FILM)


@pytest.mark.parametrize("transfer_syntax", [BASELINE, EXTENDED])
def test_lossy_frames_come_close(write_frame: WriteDicom, transfer_syntax: str) -> None:
    image = read_image(write_frame(FRAMES[transfer_syntax], transfer_syntax))
    scale = 16 if transfer_syntax == BASELINE else 1
    np.testing.assert_allclose(image.values * scale, FILM, atol=250)


@pytest.mark.parametrize("transfer_syntax", FRAMES)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95, 1])
def test_a_frame_cut_short_is_refused(
    write_frame: WriteDicom, transfer_syntax: str, share: float
) -> None:
    """As it is, and with the end of the image set behind the cut, as some gateways do."""
    whole = FRAMES[transfer_syntax].removesuffix(END)
    cut = whole[: int(share * len(whole)) - 3]
    closed = [] if transfer_syntax == RLE else [cut.removesuffix(b"\xff") + END]
    for frame in (cut, *closed):
        with pytest.raises(ImageUnreadable, match="cannot be decoded") as caught:
            read_image(write_frame(frame, transfer_syntax))
        assert "cut short" in caught.value.remedy


@pytest.mark.parametrize("transfer_syntax", [EXTENDED, LOSSLESS_JPEG, JPEG_LS, JPEG_2000, HTJ2K])
def test_a_frame_without_its_middle_is_refused(
    write_frame: WriteDicom, transfer_syntax: str
) -> None:
    whole = FRAMES[transfer_syntax]
    middle = len(whole) // 2
    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(write_frame(whole[:middle] + whole[middle + 300 :], transfer_syntax))


@pytest.mark.parametrize("divisions", [0, 1], ids=["whole tiles", "tile-parts"])
@pytest.mark.parametrize("missing", [0, -1], ids=["first", "last"])
def test_a_missing_tile_is_refused(write_frame: WriteDicom, divisions: int, missing: int) -> None:
    """Each part is whole, and the end of the codestream is there."""
    whole = bytes(htj2k_encode(FILM, tile=(64, 64), resolutions=3, tilepart=divisions))
    np.testing.assert_array_equal(read_image(write_frame(whole, HTJ2K)).values, FILM)
    head, *parts = whole.removesuffix(END).split(b"\xff\x90\0\x0a")
    assert len(parts) == (4 * 4 if divisions else 4)
    del parts[missing]
    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(write_frame(b"\xff\x90\0\x0a".join([head, *parts]) + END, HTJ2K))


def test_a_last_tile_part_of_unstated_length(write_frame: WriteDicom) -> None:
    """Its writer did not know the length yet (ISO/IEC 15444-1 A.4.2)."""
    whole = FRAMES[JPEG_2000]
    length = whole.index(b"\xff\x90\0\x0a") + 6
    open_ended = whole[:length] + bytes(4) + whole[length + 4 :]
    np.testing.assert_array_equal(read_image(write_frame(open_ended, JPEG_2000)).values, FILM)
    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(write_frame(open_ended[:-500], JPEG_2000))


def test_jpeg_2000_in_a_jp2_file(write_frame: WriteDicom) -> None:
    boxed = bytes(jpeg2k_encode(FILM, codecformat="JP2", bitspersample=12, reversible=True))
    np.testing.assert_array_equal(read_image(write_frame(boxed, JPEG_2000)).values, FILM)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_signed_jpeg_2000(write_dicom: WriteDicom, bits: int) -> None:
    kind = "<i1" if bits == 8 else "<i2"
    values = (FILM.astype(int) >> (12 - min(bits, 12))).astype("<i2") - (1 << (min(bits, 12) - 1))
    stream = jpeg2k_encode(
        values.astype(kind), codecformat="J2K", bitspersample=bits, reversible=True
    )
    path = write_dicom(
        values.astype(kind),
        transfer_syntax=JPEG_2000,
        BitsStored=bits,
        PixelData=encapsulate([bytes(stream)]),
    )
    np.testing.assert_array_equal(read_image(path).values, values)


def test_a_lossless_stream_with_values_that_its_precision_has_not_is_refused(
    write_frame: WriteDicom,
) -> None:
    """As damage leaves them; here the precision is what was changed, from 12 to 10 bits."""
    stream = bytearray(FRAMES[JPEG_2000])
    precision = stream.index(b"\xff\x51") + 40
    assert stream[precision] == 12 - 1
    stream[precision] = 10 - 1
    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(write_frame(bytes(stream), JPEG_2000, BitsStored=10))


@pytest.mark.parametrize("transfer_syntax", [LOSSLESS_JPEG, JPEG_LS, JPEG_2000, HTJ2K])
def test_a_stream_of_another_size_is_refused_before_it_is_decoded(
    write_frame: WriteDicom, transfer_syntax: str
) -> None:
    """Even one whose data are missing, so that they cannot have been looked at."""
    start = FRAMES[transfer_syntax][:200]
    with pytest.raises(ImageUnreadable, match="another size"):
        read_image(write_frame(start, transfer_syntax, Rows=91))


@pytest.mark.parametrize(
    ("transfer_syntax", "frame"),
    [
        (BASELINE, bytes(jpeg8_encode(np.dstack([FILM.astype("u1")] * 3)))),
        (JPEG_LS, bytes(jpegls_encode(np.dstack([FILM] * 3)))),
        (JPEG_2000, bytes(jpeg2k_encode(np.dstack([FILM] * 3), codecformat="J2K"))),
        (HTJ2K, bytes(htj2k_encode(np.dstack([FILM] * 3)))),
    ],
)
def test_a_stream_of_three_components_is_refused(
    write_frame: WriteDicom, transfer_syntax: str, frame: bytes
) -> None:
    with pytest.raises(ImageUnreadable, match="another size"):
        read_image(write_frame(frame, transfer_syntax))


def test_a_progressive_stream_is_refused_by_name(write_frame: WriteDicom) -> None:
    buffer = BytesIO()
    Image.fromarray(FILM.astype("u1")).save(buffer, "JPEG", progressive=True)
    with pytest.raises(ImageUnreadable, match="such as progressive") as caught:
        read_image(write_frame(buffer.getvalue(), BASELINE))
    assert "Transcode" in caught.value.remedy


def test_jpeg_ls_with_a_zero_before_its_end(write_frame: WriteDicom) -> None:
    padded = FRAMES[JPEG_LS].removesuffix(END) + b"\0" + END
    np.testing.assert_array_equal(read_image(write_frame(padded, JPEG_LS)).values, FILM)


@pytest.mark.parametrize(
    ("second", "allowed"),
    [
        (bytes([3, 5, 6, 7, 8]), True),
        (bytes([3, 5, 6, 7, 8, 0]), True),
        (bytes([3, 5, 6, 7, 8, 0, 0, 0]), True),
        (bytes([0xFF, 5, 1, 7, 8]), True),
        (bytes([2, 5, 6, 7]), False),
        (bytes([3, 5, 6, 7]), False),
        (bytes([1, 5, 6, 0, 7, 0xFF]), False),
        (bytes([3, 5, 6, 7, 8, 0, 9]), False),
        (bytes([3, 5, 6, 7, 8, 0xF0, 0]), False),
    ],
)
def test_rle_segments_are_just_long_enough(
    write_dicom: WriteDicom, second: bytes, allowed: bool
) -> None:
    frame = rle(bytes([0xFD, 1]), second)
    path = write_dicom(np.zeros((2, 2), "<u2"), transfer_syntax=RLE, PixelData=encapsulate([frame]))
    if allowed:
        low = [5, 5, 7, 8] if second[0] == 0xFF else [5, 6, 7, 8]
        np.testing.assert_array_equal(read_image(path).values.ravel(), 256 + np.array(low))
    else:
        with pytest.raises(ImageUnreadable, match="RLE Lossless pixel data cannot be decoded"):
            read_image(path)


@pytest.mark.parametrize(
    "frame",
    [
        rle(bytes([3, 1, 2, 3, 4])),
        rle(*[bytes([3, 1, 2, 3, 4])] * 3),
        struct.pack("<16L", 2, 64, 9999, *[0] * 13) + bytes([3, 1, 2, 3, 4] * 2),
        struct.pack("<16L", 2, 69, 64, *[0] * 13) + bytes([3, 1, 2, 3, 4] * 2),
        bytes(40),
    ],
    ids=["one segment", "three segments", "beyond the end", "out of order", "no header"],
)
def test_rle_headers_that_do_not_fit(write_dicom: WriteDicom, frame: bytes) -> None:
    path = write_dicom(np.zeros((2, 2), "<u2"), transfer_syntax=RLE, PixelData=encapsulate([frame]))
    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(path)
