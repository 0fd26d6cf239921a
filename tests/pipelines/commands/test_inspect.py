"""`triptych inspect FILE`: what decided and what came of it, or why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian

from pipelines.cli import main

FILM = np.add.outer(np.arange(60), np.arange(40)).astype("<u2") * 20


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A mirrored film of the hand, MONOCHROME1."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID, found.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"
    found.PatientName, found.PatientID, found.Modality = "Doe^Jane", "p-17", "CR"
    found.Rows, found.Columns, found.SamplesPerPixel = *FILM.shape, 1
    found.PhotometricInterpretation, found.PixelRepresentation = "MONOCHROME1", 0
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, 12, 11
    found.BodyPartExamined, found.PatientOrientation = "HAND", ["R", "F"]
    found.PixelSpacing = ["0.2", "0.2"]
    found.WindowCenter, found.WindowWidth = 1000, 2000
    found.PixelData = FILM.tobytes()
    dcmwrite(tmp_path / "film.dcm", found, enforce_file_format=True)
    return tmp_path / "film.dcm"


def test_a_film_is_explained_and_written(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npy, png = tmp_path / "film.npy", tmp_path / "film.png"
    assert main(["inspect", str(film), "--npy", str(npy), "--png", str(png)], {}) == 0
    said = " ".join(capsys.readouterr().out.split())
    for line in (
        "Photometric Interpretation MONOCHROME1",
        "Pixel Representation 0",
        "Patient Orientation R\\F",
        "pixels 60 rows, 40 columns",
        "values 2135 to 4095",
        "opens with centre 3095, width 2000",
        "spacing 0.2 mm by row, 0.2 mm by column",
        "view FRONTAL (frontal)",
        "orientation mirrored left to right, by Patient Orientation",
        "! the image is not of the chest, but of HAND",
    ):
        assert line in said
    assert "Jane" not in said
    assert "p-17" not in said
    right = (4095 - FILM.astype(np.float32))[:, ::-1]
    np.testing.assert_array_equal(np.load(npy), right)
    assert np.load(npy).dtype == np.float32
    shown = np.asarray(Image.open(png))
    assert shown.shape == FILM.shape
    assert shown[0, -1] == 255


def test_a_refused_film_says_what_the_file_says_and_why(
    film: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film.write_bytes(
        film.read_bytes().replace(b"HAND", b"HIP ").replace(b"MONOCHROME1", b"RGBRGB     ")
    )
    assert main(["inspect", str(film)], {}) == 1
    said = capsys.readouterr()
    assert "RGBRGB" in said.out
    assert "has colour" in said.err


def test_a_png_and_a_file_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "film.png"
    Image.fromarray(FILM.astype(np.uint16)).save(path)
    assert main(["inspect", str(path), "--photometric", "MONOCHROME1"], {}) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Mode I;16" in said
    assert f"values {65535 - 1960} to 65535" in said
    path.write_text("no image")
    assert main(["inspect", str(path)], {}) == 1
    assert "not an image of a known format" in capsys.readouterr().err
    assert main(["inspect", str(path), "--photometric", "negative"], {}) == 1
