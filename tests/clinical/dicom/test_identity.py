"""Whose and which a DICOM object is, as its header says it."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from clinical.dicom.identity import read_identity
from clinical.dicom.write import RadiographHeader, derived_uid, write_radiograph
from clinical.errors import ImageError, ImageRefused


@pytest.fixture
def film(tmp_path: Path) -> Path:
    header = RadiographHeader(
        patient_id="1001",
        patient_name="Test^Only",
        sex="female",
        age_years=61,
        acquired=datetime(2024, 3, 1, 9, 30, tzinfo=UTC),
        study_uid=derived_uid("study"),
        series_uid=derived_uid("series"),
        instance_uid=derived_uid("instance"),
        institution="",
        manufacturer="",
        view="PA",
        kvp=90,
    )
    path = tmp_path / "film"
    write_radiograph(
        path,
        np.zeros((16, 16), np.uint16),
        header,
        spacing_mm=(0.2, 0.2),
        window=(2000, 3000),
        compression="none",
    )
    return path


def changed(path: Path, **values: object) -> Path:
    found = pydicom.dcmread(BytesIO(path.read_bytes()))
    for keyword, value in values.items():
        setattr(found, keyword, value)
    found.save_as(path)
    return path


def test_a_film(film: Path) -> None:
    changed(film, AccessionNumber="A 7", IssuerOfPatientID="HOSP", PatientBirthDate="19600501")
    found = read_identity(film)
    assert (found.patient_id, found.issuer, found.accession) == ("1001", "HOSP", "A 7")
    assert (found.sex, found.birth_date) == ("F", "1960-05-01")
    assert (found.study, found.series, found.instance) == (
        derived_uid("study"),
        derived_uid("series"),
        derived_uid("instance"),
    )
    assert (found.modality, found.body_part, found.view) == ("DX", "CHEST", "PA")
    assert found.described == "CHEST RADIOGRAPH CHEST PA CHEST CHEST"
    assert found.intent == "FOR PRESENTATION"
    assert found.acquired == found.latest == "2024-03-01T09:30:00+00:00"


def test_the_name_of_the_patient_is_nowhere(film: Path) -> None:
    assert "Test" not in repr(read_identity(film))


@pytest.mark.parametrize(
    ("values", "field", "expected"),
    [
        ({"PatientID": ""}, "patient_id", ""),
        ({"PatientBirthDate": ""}, "birth_date", ""),
        ({"ContentTime": "101500"}, "latest", "2024-03-01T10:15:00+00:00"),
        (
            {"StudyDescription": "Röntgen Thorax", "AnatomicRegionSequence": []},
            "described",
            "RÖNTGEN THORAX CHEST PA CHEST",
        ),
    ],
)
def test_what_else_a_header_says(
    film: Path, values: dict[str, object], field: str, expected: str
) -> None:
    assert getattr(read_identity(changed(film, **values)), field) == expected


def test_a_day_of_birth_that_is_none_is_left_out(film: Path) -> None:
    changed(film, PatientBirthDate="19600501")
    film.write_bytes(film.read_bytes().replace(b"19600501", b"19609901"))
    assert read_identity(film).birth_date == ""


def test_an_object_without_an_image_has_an_identity_too(tmp_path: Path) -> None:
    report = Dataset()
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.3"
    report.PatientID, report.Modality = "1001", "SR"
    path = tmp_path / "report"
    report.save_as(path, implicit_vr=False, little_endian=True)
    assert read_identity(path).modality == "SR"


def test_what_is_no_dicom_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"", b"MSH|^~\\&|", b"\x89PNG\r\n\x1a\n" + bytes(300), bytes(128) + b"DICM"):
        path.write_bytes(content)
        with pytest.raises(ImageError):
            read_identity(path)


def test_an_object_that_names_no_instance_is_refused(film: Path) -> None:
    found = pydicom.dcmread(film)
    del found.SOPInstanceUID
    found.save_as(film)
    with pytest.raises(ImageRefused, match="no SOP Instance UID"):
        read_identity(film)
