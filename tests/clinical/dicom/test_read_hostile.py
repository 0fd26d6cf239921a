"""Broken and hostile files: one typed error each, quickly, and the next image is still read."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from clinical.dicom.limits import Limits
from clinical.dicom.read import read_image
from clinical.errors import ImageError, ImageRefused, ImageUnreadable

WriteDicom = Callable[..., Path]


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "image.dcm"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", ImageUnreadable, "empty"),
        (b"Patient: 70 y, cough.\n" * 50, ImageRefused, "not an image"),
        (b"\x08\x00 some text that begins like a tag" * 9, ImageRefused, "not an image"),
        (b"%PDF-1.7\n" + bytes(400), ImageRefused, "PDF"),
        (b"\x1f\x8b\x08" + bytes(400), ImageRefused, "gzip"),
        ((348).to_bytes(4, "little") + bytes(340) + b"n+1\0", ImageRefused, "NIfTI"),
        (bytes(128) + b"DICM", ImageUnreadable, "header|ends before"),
        (bytes(128) + b"DICM" + bytes(range(256)), ImageUnreadable, None),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), ImageUnreadable, "PNG or JPEG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), ImageUnreadable, "PNG or JPEG"),
    ],
)
def test_what_is_no_image(
    tmp_path: Path, content: bytes, error: type[ImageError], words: str | None
) -> None:
    with pytest.raises(error, match=words) as caught:
        read_image(file(tmp_path, content))
    assert caught.value.remedy
    assert "image.dcm" not in str(caught.value)


def test_a_zip_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "image.dcm", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(ImageRefused, match="zip"):
        read_image(tmp_path / "image.dcm")


def test_no_file_a_folder_and_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadable, match="cannot be opened"):
        read_image(tmp_path / "absent.dcm")
    with pytest.raises(ImageUnreadable, match="not a regular file"):
        read_image(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageUnreadable, match="not a regular file"):
        read_image(tmp_path / "pipe")


def test_a_file_over_the_size_limit(write_dicom: WriteDicom) -> None:
    with pytest.raises(ImageUnreadable, match="the limit is 100"):
        read_image(write_dicom(), limits=Limits(file_bytes=100))


def test_truncated_native_pixels_are_counted(write_dicom: WriteDicom) -> None:
    path = write_dicom(np.zeros((100, 100), "<u2"))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ImageUnreadable, match="cut short: 15,000 of 20,000 bytes"):
        read_image(path)


@pytest.mark.parametrize("kept", [140, 200, 300, 420])
def test_truncated_headers(write_dicom: WriteDicom, kept: int) -> None:
    path = write_dicom()
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ImageUnreadable):
        read_image(path)


def test_ten_gigapixels_are_refused_by_the_header_with_the_numbers(
    write_dicom: WriteDicom,
) -> None:
    read_image(write_dicom())
    path = write_dicom(Rows=50_000, Columns=50_000, NumberOfFrames=4)
    with pytest.raises(ImageUnreadable, match=r"50000 x 50000 pixels x 4 frames, 10,000,000,000"):
        read_image(path)


def test_a_png_that_claims_ten_gigapixels(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.new("L", (4, 4)).save(path)
    content = path.read_bytes()
    header = b"IHDR" + (100_000).to_bytes(4) * 2 + content[24:29]
    path.write_bytes(content[:12] + header + zlib.crc32(header).to_bytes(4) + content[33:])
    with pytest.raises(ImageUnreadable, match="10,000,000,000"):
        read_image(path)


def test_compressed_pixels_larger_than_the_header_says(
    write_dicom: WriteDicom, tmp_path: Path
) -> None:
    Image.new("L", (4000, 4000)).save(tmp_path / "big.jpg")
    frame = (tmp_path / "big.jpg").read_bytes()
    path = _encapsulated(write_dicom, frame, "1.2.840.10008.1.2.4.50")
    with pytest.raises(ImageUnreadable, match="another size"):
        read_image(path)


def _encapsulated(write_dicom: WriteDicom, frame: bytes, transfer_syntax: str) -> Path:
    from pydicom.encaps import encapsulate

    return write_dicom(
        np.zeros((8, 8), "u1"), transfer_syntax=transfer_syntax, PixelData=encapsulate([frame])
    )


@pytest.mark.parametrize(
    "transfer_syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.8.1", "1.2.3.4.5"]
)
def test_a_transfer_syntax_without_decoder_is_named(
    write_dicom: WriteDicom, transfer_syntax: str
) -> None:
    path = _encapsulated(write_dicom, b"\0\0", "1.2.840.10008.1.2.4.50")
    old, new = b"1.2.840.10008.1.2.4.50", transfer_syntax.encode().ljust(22, b"\0")
    if len(new) > 22:
        new = new + b"\0"
        content = path.read_bytes()
        at = content.index(b"UI\x16\x00" + old)
        swapped = content[:at] + b"UI\x18\x00" + new + content[at + 26 :]
        group = swapped.index(b"UL\x04\x00") + 4
        length = int.from_bytes(swapped[group : group + 4], "little") + 2
        path.write_bytes(swapped[:group] + length.to_bytes(4, "little") + swapped[group + 4 :])
    else:
        path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(ImageUnreadable, match="no decoder") as caught:
        read_image(path)
    assert "Transcode" in caught.value.remedy


def test_sequences_nested_five_thousand_deep(write_dicom: WriteDicom) -> None:
    path = write_dicom(transfer_syntax=ImplicitVRLittleEndian)
    whole = path.read_bytes()
    undefined = b"\xff\xff\xff\xff"
    nest = (b"\x08\x00\x40\x11" + undefined + b"\xfe\xff\x00\xe0" + undefined) * 5000
    at = whole.index(b"\x10\x00\x10\x00")
    path.write_bytes(whole[:at] + nest + whole[at:])
    with pytest.raises(ImageUnreadable, match="nests sequences too deeply"):
        read_image(path)


def test_a_deflate_bomb_is_not_inflated(write_dicom: WriteDicom) -> None:
    path = write_dicom(
        np.zeros((5000, 5000), "<u2"), transfer_syntax=DeflatedExplicitVRLittleEndian
    )
    assert path.stat().st_size < 100_000
    assert read_image(path).values.shape == (5000, 5000)
    with pytest.raises(ImageUnreadable, match="holds more than 33,000,000 bytes"):
        read_image(path, limits=Limits(file_bytes=33_000_000))


def test_an_image_too_large_for_the_memory_limit(write_dicom: WriteDicom) -> None:
    path = write_dicom(np.zeros((4000, 4000), "<u2"))
    with pytest.raises(ImageUnreadable, match="memory"):
        read_image(path, limits=Limits(memory_bytes=60_000_000))
    assert read_image(path).values.shape == (4000, 4000)


def test_two_hundred_damaged_copies_of_one_file(write_dicom: WriteDicom) -> None:
    """Each gives an array or one ImageError, never anything else; seeded."""
    path = write_dicom(np.arange(256, dtype="<u2").reshape(16, 16), RescaleSlope=2)
    valid = path.read_bytes()
    random = np.random.default_rng(7)
    outcomes = {"array": 0, "error": 0}
    for _ in range(200):
        damaged = np.frombuffer(valid, np.uint8).copy()
        places = random.integers(128, len(valid) - 512, size=random.integers(1, 9))
        damaged[places] = random.integers(0, 256, len(places))
        path.write_bytes(damaged.tobytes())
        try:
            image = read_image(path, limits=Limits(seconds=5))
        except ImageError as error:
            assert "Jane" not in str(error)  # noqa: PT017
            outcomes["error"] += 1
        else:
            assert np.isfinite(image.values).all()
            outcomes["array"] += 1
    assert min(outcomes.values()) > 20, outcomes


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["JPLL/CT1_JPLL", "JPLY/MR1_JPLY", "J2KR/MR1_J2KR", "RLE/CT1_RLE"])
def test_damaged_compressed_pixels(shared_data: Path, tmp_path: Path, name: str) -> None:
    valid = (shared_data / "dicom" / "wg04" / name).read_bytes()
    random = np.random.default_rng(11)
    for _ in range(6):
        damaged = np.frombuffer(valid, np.uint8).copy()
        places = random.integers(len(valid) // 10, len(valid), size=20)
        damaged[places] = random.integers(0, 256, len(places))
        try:
            image = read_image(file(tmp_path, damaged.tobytes()))
        except ImageError:
            continue
        assert image.values.shape == (512, 512)
