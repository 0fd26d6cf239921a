"""PNG and JPEG radiographs: what is gray, what is refused, and which way is bright."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from clinical.dicom.read import read_image
from clinical.errors import ImageRefused, ImageUnreadable

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def saved(tmp_path: Path, pixels: np.ndarray, kind: str = "PNG", **options: object) -> Path:
    # The wrong extension on purpose: only the content counts.
    path = tmp_path / "image.dcm"
    Image.fromarray(pixels).save(path, format=kind, **options)
    return path


def test_8_bit_png(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path, RAMP))
    np.testing.assert_array_equal(image.values, RAMP)
    assert image.window == (127.5, 255)
    assert image.spacing is None
    assert image.source["format"] == "PNG"
    assert image.source["PhotometricInterpretation"] == "MONOCHROME2"


def test_16_bit_png_keeps_its_depth(tmp_path: Path) -> None:
    pixels = RAMP.astype(np.uint16) * 257
    image = read_image(saved(tmp_path, pixels))
    np.testing.assert_array_equal(image.values, pixels)
    assert image.window == (32767.5, 65535)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_12_bits_in_a_16_bit_png_open_with_the_range_that_they_use(
    tmp_path: Path, photometric: Literal["MONOCHROME1", "MONOCHROME2"]
) -> None:
    pixels = RAMP.astype(np.uint16) * 16 + 15
    image = read_image(saved(tmp_path, pixels), photometric=photometric)
    low, high = (15, 4095) if photometric == "MONOCHROME2" else (65535 - 4095, 65535 - 15)
    assert (image.values.min(), image.values.max()) == (low, high)
    assert image.window == ((low + high) / 2, high - low)


def test_stated_monochrome1_is_inverted(tmp_path: Path) -> None:
    image = read_image(saved(tmp_path, RAMP), photometric="MONOCHROME1")
    np.testing.assert_array_equal(image.values, 255 - RAMP.astype(np.float32))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_gray_in_any_mode_is_gray(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "image"
    Image.fromarray(RAMP).convert(mode).save(path, format="PNG")
    np.testing.assert_array_equal(read_image(path).values, RAMP)


def test_colour_jpeg_of_gray_pixels(tmp_path: Path) -> None:
    smooth = np.repeat(np.repeat(RAMP, 8, axis=0), 8, axis=1)
    path = saved(tmp_path, np.dstack([smooth] * 3), "JPEG", quality=90)
    image = read_image(path)
    assert np.abs(image.values - smooth).max() < 20
    assert image.source["format"] == "JPEG"


def test_a_few_coloured_marks_are_counted_not_refused(tmp_path: Path) -> None:
    pixels = np.dstack([np.full((100, 100), 90, np.uint8)] * 3)
    pixels[:10, :10] = (255, 0, 0)
    image = read_image(saved(tmp_path, pixels))
    assert image.source["coloured_pixels"] == "1.00%"
    assert image.values[50, 50] == 90


def test_real_colour_is_refused(tmp_path: Path) -> None:
    pixels = np.dstack([RAMP, RAMP // 2, RAMP // 3])
    with pytest.raises(ImageRefused, match="colour"):
        read_image(saved(tmp_path, pixels))


def test_transparency_and_bilevel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match="transparent"):
        read_image(saved(tmp_path, np.dstack([RAMP, RAMP])))
    with pytest.raises(ImageRefused, match="black and white"):
        read_image(saved(tmp_path, RAMP > 128))


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = read_image(saved(tmp_path, RAMP[:8], exif=exif))
    np.testing.assert_array_equal(image.values, np.rot90(RAMP[:8], -1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    path = saved(tmp_path, noise, kind)
    path.write_bytes(path.read_bytes()[:8000])
    with pytest.raises(ImageUnreadable, match="broken or cut short"):
        read_image(path)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("folder", "every", "refused"),
    [
        ("hannover", 12, set()),
        ("covid_chestxray", 1, {"000005-5-a.jpg"}),
        ("nih_chestxray", 20, set()),
    ],
)
def test_public_radiographs_are_read(
    shared_data: Path, folder: str, every: int, refused: set[str]
) -> None:
    """All but one, the photograph of a film on a blue light box."""
    found = set()
    suffixes = {".png", ".jpg", ".jpeg"}
    paths = sorted(p for p in (shared_data / folder).rglob("*") if p.suffix.lower() in suffixes)
    assert len(paths) > 100
    for path in paths[::every]:
        try:
            image = read_image(path)
        except ImageRefused:
            found.add(path.name)
        else:
            assert min(image.values.shape) > 100
            assert image.values.min() < image.values.max()
    assert found == refused


SMOOTH = np.add.outer(np.arange(150), np.arange(130)).astype(np.uint8) // 2
GRAINY = (SMOOTH + np.random.default_rng(2).integers(0, 40, SMOOTH.shape)).astype(np.uint8)
KINDS: dict[str, dict[str, object]] = {
    "baseline": {"quality": 90},
    "blank": {"quality": 90, "optimize": True},
    "restarts": {"quality": 90, "restart_marker_rows": 2},
    "progressive": {"quality": 90, "progressive": True},
}


def jpeg_of(tmp_path: Path, kind: str, colour: bool) -> bytes:
    pixels = np.full_like(SMOOTH, 90) if kind == "blank" else GRAINY
    shown = np.dstack([pixels] * 3) if colour else pixels
    return saved(tmp_path, shown, "JPEG", **KINDS[kind]).read_bytes()


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_jpeg_is_read(tmp_path: Path, kind: str, colour: bool) -> None:
    jpeg_of(tmp_path, kind, colour)
    assert read_image(tmp_path / "image.dcm").values.shape == SMOOTH.shape


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", ["baseline", "restarts", "progressive"])
def test_a_jpeg_cut_short_and_closed_again_is_refused(
    tmp_path: Path, kind: str, colour: bool, share: float
) -> None:
    whole = jpeg_of(tmp_path, kind, colour)
    data = whole.rindex(b"\xff\xda") if kind != "progressive" else whole.index(b"\xff\xda")
    kept = data + int((len(whole) - data) * share)
    (tmp_path / "image.dcm").write_bytes(whole[:kept].rstrip(b"\xff") + b"\xff\xd9")
    with pytest.raises(ImageUnreadable, match="broken or cut short"):
        read_image(tmp_path / "image.dcm")


def test_a_progressive_jpeg_without_its_last_scans_is_refused(tmp_path: Path) -> None:
    whole = jpeg_of(tmp_path, "progressive", colour=False)
    scans = [place for place in range(len(whole)) if whole[place : place + 2] == b"\xff\xda"]
    tables = whole.rindex(b"\xff\xc4", 0, scans[-1])
    (tmp_path / "image.dcm").write_bytes(whole[:tables] + b"\xff\xd9")
    with pytest.raises(ImageUnreadable, match="broken or cut short"):
        read_image(tmp_path / "image.dcm")


def test_a_jpeg_without_its_middle_is_refused(tmp_path: Path) -> None:
    # In colour a damaged stream may fall back into step, and then nothing in it tells.
    whole = jpeg_of(tmp_path, "baseline", colour=False)
    data = whole.rindex(b"\xff\xda") + 40
    for place in np.linspace(data, len(whole) - 200, 12).astype(int):
        (tmp_path / "image.dcm").write_bytes(whole[:place] + whole[place + 60 :])
        with pytest.raises(ImageUnreadable, match="broken or cut short"):
            read_image(tmp_path / "image.dcm")


def test_a_jpeg_of_a_rare_process_is_refused_by_name(tmp_path: Path) -> None:
    whole = jpeg_of(tmp_path, "baseline", colour=False)
    (tmp_path / "image.dcm").write_bytes(whole.replace(b"\xff\xc0\x00\x0b", b"\xff\xc9\x00\x0b"))
    with pytest.raises(ImageUnreadable, match="arithmetic"):
        read_image(tmp_path / "image.dcm")


def test_a_png_with_a_changed_byte_is_refused(tmp_path: Path) -> None:
    whole = saved(tmp_path, GRAINY).read_bytes()
    for place in range(30, len(whole), len(whole) // 40):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / "image.dcm").write_bytes(changed)
        with pytest.raises(ImageUnreadable):
            read_image(tmp_path / "image.dcm")


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", ["baseline", "progressive"])
def test_a_jpeg_with_data_left_over_in_a_scan_is_refused(
    tmp_path: Path, kind: str, colour: bool
) -> None:
    whole = jpeg_of(tmp_path, kind, colour)
    scans = whole.split(b"\xff\xda")
    # A scan that refines coefficients (T.81 G.1.1.1) ends with what hardly shows.
    first = [n for n in range(1, len(scans)) if scans[n][5 + 2 * scans[n][2]] >> 4 == 0]
    longest = max(first, key=lambda number: len(scans[number]))
    after = re.search(rb"\xff[\xc4\xd9]", scans[longest][12:])
    assert after is not None
    place = 12 + after.start()
    more = np.random.default_rng(3).integers(0, 255, 100, np.uint8).tobytes()
    scans[longest] = scans[longest][:place] + more + scans[longest][place:]
    (tmp_path / "image.dcm").write_bytes(b"\xff\xda".join(scans))
    with pytest.raises(ImageUnreadable, match="broken or cut short"):
        read_image(tmp_path / "image.dcm")
