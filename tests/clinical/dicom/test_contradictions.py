"""Headers that contradict their data, and values that nobody can read: refused by name, or said."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import jpeg2k_encode, jpegls_encode
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from clinical.dicom.read import read_image
from clinical.errors import ImageRefused, ImageUnreadable

WriteDicom = Callable[..., Path]

RAMP = np.add.outer(np.arange(40), np.arange(30)).astype("<u2") * 59
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_2000 = "1.2.840.10008.1.2.4.90"


def table(count: int, bits: int, data: bytes) -> Sequence:
    item = Dataset()
    item.add(DataElement("LUTDescriptor", "US", [count, 0, bits]))
    item.add(DataElement("LUTData", "OW", data))
    item.ModalityLUTType = "US"
    return Sequence([item])


def jpeg_2000(values: NDArray[Any], bits: int) -> bytes:
    stream = jpeg2k_encode(values, codecformat="J2K", bitspersample=bits, reversible=True)
    return encapsulate([bytes(stream)])


def test_words_in_a_table_that_says_bytes_are_words_and_reported(write_dicom: WriteDicom) -> None:
    entries = np.arange(4096, dtype="<u2")[::-1] * 3
    path = write_dicom(RAMP, ModalityLUTSequence=table(4096, 8, entries.tobytes()))
    image = read_image(path)
    np.testing.assert_array_equal(image.values, entries[np.minimum(RAMP, 4095)])
    assert image.source["warnings"] == (
        "A lookup table has larger entries than the 8 bits it states."
    )


def test_a_table_without_data(write_dicom: WriteDicom) -> None:
    empty = table(8, 16, b"")
    del empty[0].LUTData
    with pytest.raises(ImageUnreadable, match="no data"):
        read_image(write_dicom(RAMP, ModalityLUTSequence=empty))


@pytest.mark.parametrize(("entries", "word"), [(9, "longer"), (7, "shorter")])
def test_a_table_of_another_length_than_it_says(
    write_dicom: WriteDicom, entries: int, word: str
) -> None:
    path = write_dicom(RAMP, ModalityLUTSequence=table(8, 16, bytes(2 * entries)))
    with pytest.raises(ImageUnreadable, match=f"{word} than it says"):
        read_image(path)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", JPEG_LS, JPEG_2000])
@pytest.mark.parametrize("kind", ["<u2", "<i2"])
def test_values_above_bits_stored(write_dicom: WriteDicom, syntax: str, kind: str) -> None:
    film = (RAMP.astype(int) * 4 - (8000 if kind == "<i2" else 0)).astype(kind)
    data = film.tobytes()
    if syntax == JPEG_LS:
        data = encapsulate([bytes(jpegls_encode(film.view("<u2")))])
    if syntax == JPEG_2000:
        data = jpeg_2000(film, 16)
    path = write_dicom(film, transfer_syntax=syntax, PixelData=data, BitsStored=12)
    with pytest.raises(ImageUnreadable, match="larger values than Bits Stored"):
        read_image(path)


def test_text_in_the_unused_bits_is_no_larger_value(write_dicom: WriteDicom) -> None:
    film = RAMP.copy()
    film[10:20, 5:25] |= 0x8000
    image = read_image(write_dicom(film, BitsStored=12))
    np.testing.assert_array_equal(image.values, RAMP)


def test_a_signed_stream_under_an_unsigned_header(write_dicom: WriteDicom) -> None:
    values = RAMP.astype("<i2") - 1024
    attributes = {"transfer_syntax": JPEG_2000, "PixelData": jpeg_2000(values, 16)}
    with pytest.raises(ImageUnreadable, match="Pixel Representation"):
        read_image(write_dicom(values, **attributes, PixelRepresentation=0))
    np.testing.assert_array_equal(read_image(write_dicom(values, **attributes)).values, values)


def test_an_unsigned_stream_under_a_signed_header_is_read_as_signed_and_reported(
    write_dicom: WriteDicom,
) -> None:
    values = RAMP.astype("<i2") - 1024
    data = jpeg_2000(values.view("<u2"), 16)
    image = read_image(write_dicom(values, transfer_syntax=JPEG_2000, PixelData=data))
    np.testing.assert_array_equal(image.values, values)
    assert "read as signed" in image.source["warnings"]


@pytest.mark.parametrize("times", [2, 3])
def test_several_times_the_pixel_data_that_the_header_says(
    write_dicom: WriteDicom, times: int
) -> None:
    with pytest.raises(ImageUnreadable, match=rf"{2400 * times:,} bytes"):
        read_image(write_dicom(RAMP, PixelData=RAMP.tobytes() * times))
    stream = bytes(jpegls_encode(RAMP))
    for data in (encapsulate([stream] * times), encapsulate([stream * times])):
        with pytest.raises(ImageRefused, match=f"{times} frames"):
            read_image(write_dicom(RAMP, transfer_syntax=JPEG_LS, PixelData=data))


def test_a_few_bytes_too_many_are_reported(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP, PixelData=RAMP.tobytes() + bytes(4)))
    np.testing.assert_array_equal(image.values, RAMP)
    assert image.source["warnings"].startswith("There are 4 bytes more")


def test_one_byte_of_padding_is_as_it_must_be(write_dicom: WriteDicom) -> None:
    path = write_dicom(RAMP[:3, :3].astype("u1"), PixelData=bytes(10))
    assert "warnings" not in read_image(path).source


@pytest.mark.parametrize("times", [1, 4])
def test_compressed_pixels_under_a_native_syntax(write_dicom: WriteDicom, times: int) -> None:
    noise = np.random.default_rng(0).integers(0, 65536, (40, 30), dtype="<u2")
    data = encapsulate([bytes(jpegls_encode(noise))] * times)
    with pytest.raises(ImageUnreadable, match="compressed, but the header says"):
        read_image(write_dicom(noise[:20], PixelData=data))


def test_a_codestream_far_too_short_for_what_it_claims(write_dicom: WriteDicom) -> None:
    stream = bytearray(jpeg2k_encode(RAMP, codecformat="J2K", bitspersample=16, reversible=True))
    for place in (8, 24):  # Xsiz and Ysiz, then the size of the only tile
        stream[place : place + 8] = (9999).to_bytes(4) + (10_000).to_bytes(4)
    path = write_dicom(
        RAMP,
        transfer_syntax=JPEG_2000,
        Rows=10_000,
        Columns=9999,
        PixelData=encapsulate([bytes(stream)]),
    )
    start = time.process_time()
    with pytest.raises(ImageUnreadable, match="far too few for 10000 x 9999 pixels"):
        read_image(path)
    assert time.process_time() - start < 1


def test_signed_pixels_of_more_bits_than_stored(write_dicom: WriteDicom) -> None:
    """14 bits of two's complement in a codestream of 14, where the header says 12."""
    steep = np.add.outer(np.arange(40), np.arange(30)) * 230 - 8000
    cells = (steep & 0x3FFF).astype("<u2")
    attributes = {"transfer_syntax": JPEG_2000, "PixelData": jpeg_2000(cells, 14)}
    signed = {"PixelRepresentation": 1, **attributes}
    read = read_image(write_dicom(cells, BitsStored=14, **signed))
    np.testing.assert_array_equal(read.values, steep)
    with pytest.raises(ImageUnreadable, match="larger values than Bits Stored"):
        read_image(write_dicom(cells, BitsStored=12, **signed))


def test_jpeg_2000_with_a_hole_in_its_middle(write_dicom: WriteDicom) -> None:
    noise = np.random.default_rng(0).integers(0, 4096, (60, 60), dtype="<u2")
    stream = bytearray(jpeg2k_encode(noise, codecformat="J2K", bitspersample=12, reversible=True))
    whole = encapsulate([bytes(stream)])
    attributes = {"transfer_syntax": JPEG_2000, "BitsStored": 12}
    np.testing.assert_array_equal(
        read_image(write_dicom(noise, PixelData=whole, **attributes)).values, noise
    )
    stream[2000:2512] = bytes(512)
    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(write_dicom(noise, PixelData=encapsulate([bytes(stream)]), **attributes))


@pytest.mark.parametrize(
    ("keyword", "kind", "value", "name"),
    [
        ("RescaleSlope", "LO", "one", "Rescale Slope"),
        ("RescaleSlope", "LO", "1.234,5", "Rescale Slope"),
        ("RescaleSlope", "LO", "1\\2", "Rescale Slope"),
        ("RescaleIntercept", "LO", "inf", "Rescale Intercept"),
        ("PixelPaddingValue", "LO", "black", "Pixel Padding Value"),
        ("PixelPaddingRangeLimit", "LO", "?", "Pixel Padding Range Limit"),
        ("BitsStored", "LO", "twelve", "Bits Stored"),
        ("HighBit", "LO", "x", "High Bit"),
        ("PixelRepresentation", "US", 2, "Pixel Representation"),
        ("PixelRepresentation", "LO", "signed", "Pixel Representation"),
        ("NumberOfFrames", "LO", "some", "Number of Frames"),
        ("PhotometricInterpretation", "LO", "grey, I think", "Photometric Interpretation"),
    ],
)
def test_what_decides_and_cannot_be_read_is_refused_by_name(
    write_dicom: WriteDicom, keyword: str, kind: str, value: object, name: str
) -> None:
    stated = {"PixelPaddingValue": 0, "BitsStored": 16, "HighBit": 15}
    path = write_dicom(RAMP, **stated | {keyword: DataElement(keyword, kind, value)})
    with pytest.raises(ImageUnreadable, match=f"^{name} in the header cannot be understood"):
        read_image(path, photometric="MONOCHROME2")


def test_zero_bits_are_not_taken_for_all(write_dicom: WriteDicom) -> None:
    with pytest.raises(ImageUnreadable, match="states 0 bits in cells of 16"):
        read_image(write_dicom(RAMP, BitsStored=0, HighBit=15))


def test_an_angiogram_is_shown_without_its_modality_table(write_dicom: WriteDicom) -> None:
    backwards = table(4096, 16, np.arange(4096, dtype="<u2")[::-1].tobytes())
    path = write_dicom(
        RAMP, ModalityLUTSequence=backwards, SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1"
    )
    np.testing.assert_array_equal(read_image(path).values, RAMP)


@pytest.mark.parametrize(
    "attributes",
    [
        {"PresentationIntentType": "FOR PROCESSING"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1.1"},
    ],
)
def test_an_image_for_processing_is_refused(
    write_dicom: WriteDicom, attributes: dict[str, str]
) -> None:
    with pytest.raises(ImageRefused, match="for processing"):
        read_image(write_dicom(RAMP, **attributes))


def test_presentation_lut_shape_and_photometric_interpretation(write_dicom: WriteDicom) -> None:
    with pytest.raises(ImageRefused, match="INVERSE contradict"):
        read_image(write_dicom(RAMP, PresentationLUTShape="INVERSE"))
    usual = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    image = read_image(write_dicom(RAMP, **usual))
    np.testing.assert_array_equal(image.values, 65535 - RAMP.astype(float))
    assert "warnings" not in image.source
    odd = {**usual, "PresentationLUTShape": "IDENTITY"}
    assert "IDENTITY does not fit" in read_image(write_dicom(RAMP, **odd)).source["warnings"]


@pytest.mark.parametrize(
    ("stated", "calibration"),
    [
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, None),
        ({"PixelSpacing": [0.2, 0.2]}, None),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, "UNKNOWN"),
        ({"PixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"}, "FIDUCIAL"),
    ],
)
def test_whether_pixel_spacing_is_calibrated(
    write_dicom: WriteDicom, stated: dict[str, Any], calibration: str | None
) -> None:
    source = read_image(write_dicom(RAMP, **stated)).source
    assert source["spacing_from"] == "PixelSpacing"
    assert source.get("spacing_calibration") == calibration


@pytest.mark.parametrize(
    "stated", [{"PixelSpacing": [0.1, 0.4]}, {"PixelAspectRatio": [4, 1]}], ids=str
)
def test_pixels_that_no_radiograph_has(write_dicom: WriteDicom, stated: dict[str, Any]) -> None:
    with pytest.raises(ImageRefused, match="high to"):
        read_image(write_dicom(RAMP, **stated))


@pytest.mark.parametrize("shape", [(1, 65535), (65535, 1), (10, 90), (1300, 10_001)])
def test_a_shape_that_no_radiograph_has(
    write_dicom: WriteDicom, tmp_path: Path, shape: tuple[int, int]
) -> None:
    """Whoever pads it to a square would need the square of its longer side."""
    Image.new("L", shape[::-1]).save(tmp_path / "image.png")
    for path in (write_dicom(np.zeros(shape, "u1")), tmp_path / "image.png"):
        with pytest.raises(ImageRefused, match=f"{shape[0]:,} x {shape[1]:,} pixels"):
            read_image(path)


def test_an_impossible_high_bit_is_reported(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(RAMP, BitsStored=16, HighBit=11))
    np.testing.assert_array_equal(image.values, RAMP)
    assert image.source["warnings"].startswith("High Bit cannot be")
