"""The same pixels out of every lossless transfer syntax, and a reason for every file not read."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import zstandard

from clinical.dicom.read import read_image
from clinical.errors import ImageError

LOSSLESS = ("J2KR", "JLSL", "JPLL", "RLE")
LOSSY = ("J2KI", "JLSN", "JPLY")
SPEC = Path(__file__).parents[2] / "spec" / "dicom_refusals.csv"

pytestmark = pytest.mark.real_data


@pytest.fixture
def wg04(shared_data: Path) -> Path:
    return shared_data / "dicom" / "wg04"


@pytest.mark.parametrize("name", ["CT1", "MR1", "RG2", "RG3", "XA1"])
def test_lossless_syntaxes_give_the_uncompressed_pixels(
    wg04: Path, tmp_path: Path, name: str
) -> None:
    original = tmp_path / "original"
    packed = (wg04 / "REF" / f"{name}_UNC.zst").read_bytes()
    original.write_bytes(zstandard.ZstdDecompressor().decompressobj().decompress(packed))
    reference = read_image(original)
    for kind in LOSSLESS:
        image = read_image(wg04 / kind / f"{name}_{kind}")
        assert image.digest == reference.digest, kind
        assert image.spacing == reference.spacing
        assert image.window == reference.window


@pytest.mark.parametrize("kind", LOSSY)
@pytest.mark.parametrize("name", ["RG2", "RG3", "XA1"])
def test_lossy_syntaxes_come_close(wg04: Path, name: str, kind: str) -> None:
    reference = read_image(wg04 / "RLE" / f"{name}_RLE").values
    image = read_image(wg04 / kind / f"{name}_{kind}").values
    difference = np.abs(image - reference)
    assert difference.mean() < 0.02 * np.ptp(reference)
    assert np.corrcoef(image[::7].ravel(), reference[::7].ravel())[0, 1] > 0.99


def test_every_file_is_read_or_refused_as_the_table_says(shared_data: Path) -> None:
    """tests/spec/dicom_refusals.csv names each file that is not read, the error and the reason."""
    with SPEC.open(encoding="utf-8", newline="") as file:
        expected = {row["file"]: (row["error"], row["reason"]) for row in csv.DictReader(file)}
    root = shared_data / "dicom"
    read, refused = 0, {}
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "LICENSE" not in p.name):
        try:
            image = read_image(path)
        except ImageError as error:
            refused[path.relative_to(root).as_posix()] = (type(error).__name__, error.message)
        else:
            read += 1
            assert np.isfinite(image.values).all()
            assert image.window is not None
            assert image.window[1] > 0
    assert refused == expected
    assert (read, len(refused)) == (58, 68)
