"""What makes an image doubtful, late or not a frontal one, and how that is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from clinical.case.case import Case, SkippedCase
from clinical.cohorts import folder

CASES = "case_id,patient_id,decision_time,sex,age_years\na,p,2024-03-01T12:00,female,61\n"
BERLIN = 'name = "one"\nsource = "made"\nlicence = "CC0"\ntime_zone = "Europe/Berlin"\n'

PIXELS = np.arange(600, dtype="<u2").reshape(30, 20)
SOUND = {
    "PatientID": "p",
    "PatientSex": "F",
    "PatientAge": "061Y",
    "Modality": "DX",
    "BodyPartExamined": "CHEST",
    "ViewPosition": "PA",
    "PatientOrientation": ["L", "F"],
    "AcquisitionDate": "20240301",
    "AcquisitionTime": "100000",
}

Read = Callable[..., Case | SkippedCase]


def coded(code: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "SCT", "a view"
    return Sequence([item])


def write(path: Path, **attributes: Any) -> None:
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.SOPClassUID = DigitalXRayImageStorageForPresentation
    found.SOPInstanceUID = "1.2.3.4"
    found.Rows, found.Columns = PIXELS.shape
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 12, 11, 0
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    for keyword, value in (SOUND | attributes).items():
        if isinstance(value, str | list):
            # As LO, for pydicom writes no wrong date or code; the reader does not care.
            found.add(DataElement(keyword, "LO", value))
        elif value is not None:
            setattr(found, keyword, value)
    found.PixelData = PIXELS.tobytes()
    dcmwrite(path, found, enforce_file_format=True)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read(images, cases, **attributes) reads one case with a film of such attributes, film.dcm."""

    def one(images: str = "a,film.dcm,,\n", cases: str = CASES, **attributes: Any) -> Any:
        write(tmp_path / "film.dcm", **attributes)
        (tmp_path / "cases.csv").write_text(cases)
        (tmp_path / "images.csv").write_text("case_id,path,view,time\n" + images)
        (tmp_path / "cohort.toml").write_text(BERLIN)
        (found,) = folder.read(tmp_path)
        return found

    return one


def reasons(case: Case | SkippedCase) -> list[str]:
    if isinstance(case, SkippedCase):
        return [case.problem.reason]
    return [problem.reason for problem in case.problems]


def test_a_sound_film_raises_no_doubt(read: Read) -> None:
    assert reasons(read()) == []


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"Modality": "CT"}, "no radiograph, but CT"),
        ({"BodyPartExamined": "HAND"}, "not of the chest, but of HAND"),
        ({"BurnedInAnnotation": "YES"}, "Text is burnt into the pixels"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "BONE_SUPPRESSED"]}, "with tissue taken out"),
        ({"PatientSex": "M"}, "Patient's Sex in the header is not that of the case"),
        ({"PatientAge": "030Y"}, "Patient's Age in the header is not that of the case"),
        ({"PatientAge": "730M", "PatientBirthDate": "19300101"}, None),
        ({"PatientAge": None, "PatientBirthDate": "19300101"}, "Patient's Age"),
        ({"PatientAge": None, "PatientBirthDate": "19630101"}, None),
        ({"PixelIntensityRelationshipSign": 1}, "bright is less dense than dark"),
        ({"PixelIntensityRelationshipSign": -1}, None),
        ({"PixelIntensityRelationshipSign": 1, "RescaleSlope": -1, "RescaleIntercept": 9}, None),
        ({"PixelIntensityRelationshipSign": -1, "RescaleSlope": -1, "RescaleIntercept": 9}, "see"),
        ({"PixelSpacing": ["0.2", "wide"]}, "Pixel Spacing in the header cannot be understood"),
        ({"PatientOrientation": ["up", "down"]}, "Patient Orientation in the header cannot"),
        ({"ViewPosition": "front^ally", "PatientOrientation": None}, "View Position in the header"),
        ({"ViewPosition": "XX"}, "a view that is not known"),
        ({"PatientOrientation": ["A", "F"]}, "one is of a frontal view, one of a side view"),
        ({"ViewCodeSequence": coded("399173006")}, "one is of a frontal view, one of a side view"),
        ({"AcquisitionTime": "noon"}, "Acquisition Time in the header cannot be understood"),
        ({"AcquisitionDate": None}, "nobody says when the image was taken"),
        ({"AcquisitionTime": None}, "only the day of the image, which is that of the decision"),
        ({"AcquisitionTime": "000000.000"}, "only the day of the image, which is that of"),
        ({"AcquisitionTime": "000000.001"}, None),
        ({"AcquisitionTime": None, "AcquisitionDate": "20240229"}, None),
    ],
)
def test_a_doubtful_film_is_used_and_reported(
    read: Read, attributes: dict[str, Any], says: str | None
) -> None:
    case = read(**attributes)
    assert isinstance(case, Case)
    assert "image" in case.inputs
    found = [reason for reason in reasons(case) if says is not None and says in reason]
    assert len(found) == (says is not None), reasons(case)
    if says is None:
        assert reasons(case) == []


@pytest.mark.parametrize(
    "attributes",
    [
        {"AcquisitionTime": "233000"},
        {"AcquisitionTime": "23:30:00"},
        {"AcquisitionDate": "2024.03.01", "AcquisitionTime": "23:30"},
        {"AcquisitionDate": None, "StudyDate": "20240302"},
        {"SeriesDate": "20240301", "SeriesTime": "120001"},
        {"ContentDate": "20240301", "ContentTime": "130000"},
        {"AcquisitionDateTime": "20240301120001+0100"},
        {"StudyDate": "20240301", "StudyTime": "113000", "TimezoneOffsetFromUTC": "-0500"},
    ],
)
def test_a_film_is_late_by_the_latest_date_that_is_known(
    read: Read, attributes: dict[str, Any]
) -> None:
    (reason,) = reasons(read(**attributes))
    assert reason.startswith("the image says itself that it was")


@pytest.mark.parametrize(
    ("decision", "taken", "late"),
    [
        ("2024-10-27T02:30+02:00", "20241027021500+0100", True),
        ("2024-10-27T02:15+01:00", "20241027023000+0200", False),
        ("2024-03-31T03:10", "20240331015900+0100", False),
        ("2024-03-31T02:30", "20240331031500+0200", False),
        ("2024-03-31T02:30", "20240331033500+0200", True),
    ],
)
def test_times_are_compared_in_utc(read: Read, decision: str, taken: str, late: bool) -> None:
    """02:30 does not exist in Berlin on 31 March 2024 and exists twice on 27 October."""
    cases = CASES.replace("2024-03-01T12:00", decision)
    attributes = {"AcquisitionDate": None, "AcquisitionTime": None}
    case = read(cases=cases, AcquisitionDateTime=taken, **attributes)
    assert bool(reasons(case)) == late


@pytest.mark.parametrize(
    "attributes",
    [
        {"ViewCodeSequence": coded("399173006")},
        {"ViewCodeSequence": coded("R-10232")},
        {"PatientOrientation": ["A", "F"]},
        {"PatientOrientation": ["P", "FL"]},
        {"SeriesDescription": "CHEST LAT"},
        {"ViewPosition": "LAT"},
        {"ViewPosition": "LLO"},
        {"ViewPosition": "NN"},
        {"ViewPosition": "PA", "PatientOrientation": ["A", "F"]},
    ],
)
def test_no_film_is_taken_for_frontal_that_is_not_said_to_be(
    read: Read, tmp_path: Path, attributes: dict[str, Any]
) -> None:
    Image.new("L", (50, 40), 9).save(tmp_path / "pa.png")
    stated = {"ViewPosition": None, "PatientOrientation": None, **attributes}
    case = read("a,pa.png,PA,2024-03-01T08:00\na,film.dcm,,\n", **stated)
    assert isinstance(case, Case)
    front, other = case.inputs["image"].arrays
    assert (front.values.shape, other.values.shape) == ((40, 50), (30, 20))


def test_the_table_and_the_file_have_to_agree_on_a_frontal_view(read: Read) -> None:
    case = read("a,film.dcm,PA,\n", ViewPosition="LL", PatientOrientation=None)
    assert reasons(case) == [
        "the table and the file state different views; the image is not taken for frontal.",
        "no image of the case is known to be frontal; this one is read as if it were.",
    ]


@pytest.mark.parametrize("word", ["upright", "see report"])
def test_a_word_that_is_not_known_is_reported(read: Read, word: str) -> None:
    case = read(f"a,film.dcm,{word},\n", ViewPosition=None)
    assert reasons(case)[0].startswith("the word is not known as a view")
