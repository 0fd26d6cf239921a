"""Writing a radiograph: pixels come back, headers are as promised, bytes are repeatable."""

import dataclasses
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.uid import UID

from clinical.dicom.read import read_image
from clinical.dicom.write import RadiographHeader, derived_uid, write_radiograph

HEADER = RadiographHeader(
    patient_id="sim-1-p000001",
    patient_name="SIMULATED^sim-1-p000001",
    sex="female",
    age_years=64,
    acquired=datetime(2023, 4, 5, 6, 7, tzinfo=UTC),
    study_uid=derived_uid("study"),
    series_uid=derived_uid("series"),
    instance_uid=derived_uid("image"),
    view="AP",
    kvp=90.0,
    institution="Simulated clinic, site A",
    manufacturer="Triptych simulation",
    comment="Simulated.",
)


def pixels() -> NDArray[np.uint16]:
    image = np.random.default_rng(0).integers(0, 4096, (40, 33), dtype=np.uint16)
    image[0, :2] = 0, 4095
    return image


def write(path: Path, **changes: object) -> Path:
    arguments = {"spacing_mm": (0.7, 0.8), "window": (1800.0, 3000.0), **changes}
    write_radiograph(path, pixels(), HEADER, **arguments)
    return path


@pytest.mark.parametrize("compression", ["jpeg-ls", "jpeg-2000", "rle", "none"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_pixels_come_back(tmp_path: Path, compression: str, photometric: str) -> None:
    path = write(tmp_path / "a.dcm", compression=compression, photometric=photometric)
    found = pydicom.dcmread(path)
    np.testing.assert_array_equal(read_image(path).values, pixels())
    if compression in ("rle", "none"):
        stored = 4095 - pixels() if photometric == "MONOCHROME1" else pixels()
        np.testing.assert_array_equal(found.pixel_array, stored)
    assert found.PhotometricInterpretation == photometric
    assert (found.BitsAllocated, found.BitsStored, found.HighBit) == (16, 12, 11)


@pytest.mark.parametrize(
    ("compression", "start"), [("jpeg-ls", b"\xff\xd8\xff\xf7"), ("jpeg-2000", b"\xff\x4f\xff\x51")]
)
def test_streams_are_bare(tmp_path: Path, compression: str, start: bytes) -> None:
    """No SPIFF header and no JP2 boxes, which DICOM has no use for."""
    found = pydicom.dcmread(write(tmp_path / "a.dcm", compression=compression))
    stream = get_frame(found.PixelData, 0, number_of_frames=1)
    assert stream.startswith(start)


def test_both_photometric_interpretations_show_the_same_picture(tmp_path: Path) -> None:
    shown = {}
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        path = tmp_path / f"{photometric}.dcm"
        found = pydicom.dcmread(write(path, photometric=photometric, compression="none"))
        centre, width = float(found.WindowCenter), float(found.WindowWidth)
        grey = (found.pixel_array.astype(float) - centre) / width
        shown[photometric] = -grey if found.PresentationLUTShape == "INVERSE" else grey
    np.testing.assert_allclose(shown["MONOCHROME1"], shown["MONOCHROME2"])


def test_the_header_says_what_was_given(tmp_path: Path) -> None:
    found = pydicom.dcmread(write(tmp_path / "a.dcm"))
    assert found.PatientID == "sim-1-p000001"
    assert (found.PatientSex, found.PatientAge) == ("F", "064Y")
    assert (found.Modality, found.ViewPosition, found.Manufacturer) == (
        "DX",
        "AP",
        "Triptych simulation",
    )
    assert found.AcquisitionDateTime == "20230405060700+0000"
    assert [float(v) for v in found.PixelSpacing] == [0.7, 0.8]
    assert found.PixelSpacing == found.ImagerPixelSpacing
    assert "Not a medical device" in found.ImageComments


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    assert write(tmp_path / "a.dcm").read_bytes() == write(tmp_path / "b.dcm").read_bytes()


def test_identifiers_are_valid_and_depend_on_every_name() -> None:
    made = {derived_uid(*names) for names in [("a", "b"), ("a", "c"), ("ab",), ("a", "b", "")]}
    assert len(made) == 4
    assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in made)
    assert derived_uid("a", "b") == derived_uid("a", "b")


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.float32),
        np.full((4, 4), 4096, np.uint16),
        np.zeros((2, 4, 4), np.uint16),
    ],
    ids=["float", "13 bit", "two frames"],
)
def test_what_is_not_a_12_bit_image_is_refused(tmp_path: Path, wrong: NDArray[np.uint16]) -> None:
    with pytest.raises(ValueError, match="two-dimensional uint16"):
        write_radiograph(tmp_path / "a.dcm", wrong, HEADER, spacing_mm=(1, 1), window=(2048, 4096))
    assert not (tmp_path / "a.dcm").exists()


def test_a_time_without_zone_is_refused(tmp_path: Path) -> None:
    naive = dataclasses.replace(HEADER, acquired=datetime(2023, 4, 5))
    with pytest.raises(ValueError, match="time zone"):
        write_radiograph(
            tmp_path / "a.dcm", pixels(), naive, spacing_mm=(1, 1), window=(2048, 4096)
        )


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools is not installed")
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_dicom3tools_finds_nothing_wrong(tmp_path: Path, photometric: str) -> None:
    path = write(tmp_path / "a.dcm", photometric=photometric)
    checked = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    said = (checked.stdout + checked.stderr).splitlines()
    assert said == ["DXImageForPresentation"]
