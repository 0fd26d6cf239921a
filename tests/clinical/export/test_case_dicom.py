"""DICOM objects of a read case: valid, of the film's patient and study, and true to the record."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
import read_case
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import Engine

from clinical import canonical
from clinical.audit.verify import verify
from clinical.case.held_back import LITTLE
from clinical.case.reading import Mark, MarkKind, Number
from clinical.dicom.read import read_image
from clinical.errors import ConfigError, ImageRefused, ReviewError
from clinical.export.case_dicom import CaseObjects, case_objects, make_case_objects
from clinical.export.leaving import Leaving, leaving
from clinical.export.reading import explained
from clinical.review import protocol as protocol_rules
from clinical.review.protocol import Protocol

Points = tuple[tuple[float, float], ...]


@pytest.fixture
def film(tmp_path: Path, example: Any) -> Path:
    (tmp_path / "films").mkdir()
    return read_case.film(tmp_path / "films", example)


def made(workspace: Engine, example: Any, film: Path, state: str = "signed") -> CaseObjects:
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.STATES[state](workspace, example, digest)
    return make_case_objects(workspace, "case-1", films=[film.parent], actor="auditor")


def datasets(found: CaseObjects) -> dict[str, Dataset]:
    return {one.name: pydicom.dcmread(io.BytesIO(one.data)) for one in found.objects}


def items(found: Dataset, meaning: str) -> Iterator[Dataset]:
    """Every content item of that name, anywhere in the tree."""
    for inner in found.get("ContentSequence", []):
        if [name.CodeMeaning for name in inner.get("ConceptNameCodeSequence", [])] == [meaning]:
            yield inner
        yield from items(inner, meaning)


def said(found: Dataset, meaning: str) -> list[str]:
    """Values of the content items of that name."""
    values = []
    for item in items(found, meaning):
        match item.ValueType:
            case "CODE":
                values.append(item.ConceptCodeSequence[0].CodeMeaning)
            case "NUM":
                values.append(str(item.MeasuredValueSequence[0].NumericValue))
            case "PNAME":
                values.append(str(item.PersonName))
            case _:
                values.append(item.TextValue)
    return values


UNKNOWN_TERMS = (
    "Unrecognized defined term <99TRIPTYCH>",
    "Unrecognized defined term <OTHER> for value 3",
    "Unrecognized defined term <QUANTITY> for value 4",
)
"""What dicom3tools does not know: our private scheme, and terms that PS3.3 C.8.16.1 has since."""


def complaints(data: bytes, folder: Path) -> list[str]:
    """What dicom3tools has against an object, beside naming its kind."""
    path = folder / "object.dcm"
    path.write_bytes(data)
    checked = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    told = re.findall(r"^(?:Error|Warning).*", checked.stdout + checked.stderr, re.MULTILINE)
    return [line for line in told if not any(term in line for term in UNKNOWN_TERMS)]


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools is not installed")
@pytest.mark.parametrize("state", read_case.STATES)
def test_dicom3tools_finds_nothing_wrong(
    workspace: Engine, example: Any, film: Path, tmp_path: Path, state: str
) -> None:
    for one in made(workspace, example, film, state).objects:
        assert complaints(one.data, tmp_path) == [], one.name


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("DicomSRValidator"), reason="pixelmed is not installed")
def test_pixelmed_finds_the_template_kept(
    measured: Leaving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its rules are one large style sheet, beyond what Java reads by itself.
    limits = ("xpathTotalOpLimit", "xpathExprOpLimit", "xpathExprGrpLimit")
    options = " ".join(f"-Djdk.xml.{limit}=0" for limit in limits)
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", options)
    path = tmp_path / "report.dcm"
    path.write_bytes(next(iter(case_objects(measured))).data)
    checked = subprocess.run(
        ["DicomSRValidator", path], capture_output=True, text=True, check=False
    )
    told = checked.stdout + checked.stderr
    assert "Root Template Validation Complete" in told
    assert re.findall(r"^Error.*", told, re.MULTILINE) == []
    # TID 1501 may be added to, and what readers decide is added.
    warned = re.findall(r"^Warning.*", told, re.MULTILINE)
    assert all("Content Item not in template" in line for line in warned)


def test_every_object_is_of_the_patient_and_study_of_the_film(
    workspace: Engine, example: Any, film: Path
) -> None:
    source = pydicom.dcmread(film)
    found = datasets(made(workspace, example, film))
    assert list(found) == ["report", "heat-map-1", "picture-1"]
    for one in found.values():
        assert str(one.PatientName) == "Müller^Jürgen"
        assert (one.PatientID, one.AccessionNumber) == ("MRN-77", "ACC-1")
        assert one.StudyInstanceUID == source.StudyInstanceUID
        assert one.SeriesInstanceUID != source.SeriesInstanceUID
        assert one.SpecificCharacterSet == "ISO_IR 192"
        assert "research use only" in one.SeriesDescription
        assert source.SOPInstanceUID in str(one)
    assert len({one.SeriesInstanceUID for one in found.values()}) == 3


def test_the_report_says_what_the_model_and_the_reader_said(
    workspace: Engine, example: Any, film: Path
) -> None:
    report = datasets(made(workspace, example, film))["report"]
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert said(report, "Finding")[:2] == ["Bacterial pneumonia", "Heart failure"]
    finding = next(items(report, "Finding")).ConceptCodeSequence[0]
    assert (finding.CodeValue, finding.CodingSchemeDesignator) == ("53084003", "SCT")
    assert said(report, "Calibrated probability") == ["0.83", "0.22", "0.004"]
    assert said(report, "Threshold to suggest") == ["0.4", "0.35", "0.3"]
    assert said(report, "What the algorithm said")[-1] == "Withheld"
    assert said(report, "Why it is withheld") == ["D-dimer is missing."]
    assert said(report, "Reader's verdict") == ["Modified"]
    assert said(report, "Reason of the verdict") == ["Lab explains"]
    assert said(report, "Diagnosis in its place") == ["Viral pneumonia"]
    assert said(report, "Algorithm Name")[0] == "simulated-chest"
    assert said(report, "Algorithm Version")[0] == "a" * 64
    assert set(said(report, "Person Observer Name")) == {"dr.ada^"}
    assert said(report, "Device Observer Serial Number") == ["a" * 64]
    comments = said(report, "Comment")
    assert comments[0] == "Research use only. Not a medical device."
    assert comments[1] == "Signed by dr.ada as reader. Diagnoses that hold: Viral pneumonia."
    assert any("at the detector" in sentence for sentence in comments)


def test_the_report_says_what_suggestions_rest_on_and_what_is_held_back_and_why(
    workspace: Engine, example: Any, film: Path
) -> None:
    case = read_case.case_of(film, example)
    example.recorded(workspace, case)
    found = leaving(workspace, "case-1", [film.parent])
    assert found.assessment is not None
    first, *others = found.assessment.explanations
    held = replace(first, held_back={"history": LITTLE})
    assessment = replace(found.assessment, explanations=(held, *others))
    reading = explained(found.reading, assessment, case)
    report = pydicom.dcmread(io.BytesIO(next(case_objects(replace(found, reading=reading))).data))

    (words,) = said(report, "What the suggestion rests on")
    assert words.startswith("The main evidence for bacterial pneumonia (83%) is ")
    assert "sentence 1 of the notes" in words
    assert example.case().inputs["notes"].items[0].text[:16] not in words  # what was written stays
    assert said(report, "Why an input is not shown as evidence") == [f"history: {LITTLE}"]


@pytest.mark.parametrize("state", read_case.STATES)
def test_only_a_signed_reading_is_verified(
    workspace: Engine, example: Any, film: Path, state: str
) -> None:
    found = made(workspace, example, film, state)
    report = datasets(found)["report"]
    flags = (report.VerificationFlag, report.CompletionFlag, report.PreliminaryFlag)
    if state == "signed":
        assert flags == ("VERIFIED", "COMPLETE", "FINAL")
        (observer,) = report.VerifyingObserverSequence
        assert str(observer.VerifyingObserverName) == "dr.ada^"
        recorded = datetime.fromisoformat(found.reading.signatures[0].recorded)
        assert observer.VerificationDateTime == f"{recorded:%Y%m%d%H%M%S%z}"
    else:
        assert flags == ("UNVERIFIED", "PARTIAL", "PRELIMINARY")
        assert "VerifyingObserverSequence" not in report


def test_the_heat_map_lies_on_the_film_pixel_by_pixel(
    workspace: Engine, example: Any, film: Path
) -> None:
    heat_map = datasets(made(workspace, example, film))["heat-map-1"]
    values = np.frombuffer(heat_map.FloatPixelData, "<f4").reshape(heat_map.Rows, heat_map.Columns)
    assert values.shape == (read_case.ROWS, read_case.COLUMNS)
    # The example's map covers rows 0 to 40 and columns -5 to 35 with two by two patches.
    assert values[0, 0] == 0
    assert values[0, 30] == np.float32(0.2)
    assert values[39, 0] == np.float32(0.4)
    assert values[39, 30] == 1
    assert values[40, 0] == values[0, 36] == heat_map.FloatPixelPaddingValue == -1
    shared = heat_map.SharedFunctionalGroupsSequence[0]
    assert [float(step) for step in shared.PixelMeasuresSequence[0].PixelSpacing] == [0.5, 0.5]


def test_the_heat_map_of_a_mirrored_film_is_mirrored_like_its_pixels(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    film = read_case.film(tmp_path, example, PatientOrientation=["R", "F"])
    assert "mirrored" in read_image(film).source["turned"]
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.signed(workspace, example, digest)
    found = datasets(make_case_objects(workspace, "case-1", films=[film], actor="auditor"))
    heat_map, picture = found["heat-map-1"], found["picture-1"]
    values = np.frombuffer(heat_map.FloatPixelData, "<f4").reshape(heat_map.Rows, heat_map.Columns)
    assert values[39, read_case.COLUMNS - 1 - 30] == 1
    assert picture.PatientOrientation == ["L", "F"]


def test_the_picture_says_in_its_pixels_that_it_is_for_research(
    workspace: Engine, example: Any, film: Path
) -> None:
    picture = datasets(made(workspace, example, film))["picture-1"]
    pixels = picture.pixel_array
    scale = 1024 / read_case.ROWS
    band = pixels.shape[0] - 1024
    assert pixels.shape[1] == round(read_case.COLUMNS * scale)
    assert 0.1 < (pixels[:band] > 128).mean() * 10 < 5  # white words on black
    assert picture.BurnedInAnnotation == "YES"
    hot, cold = (
        pixels[band + round(row * scale), round(column * scale)]
        for row, column in ((39, 30), (2, 2))
    )
    assert int(hot[0]) - int(hot[1]) > 60  # red over grey
    assert abs(int(cold[0]) - int(cold[1])) < 5


def marked(found: Leaving) -> Leaving:
    """The same with a length, an angle, an area and a key image on its film."""
    at, instance = "2025-03-04T12:05:00+00:00", found.films[0].film.instance
    scale = "Millimetres at the detector."

    def mark(kind: MarkKind, points: Points, *numbers: Number, scale: str = "") -> Mark:
        return Mark(kind, instance, points, numbers, scale, "dr.ada", at)

    marks = (
        mark("length", ((1, 2), (11, 2)), Number("length", 5, "mm"), scale=scale),
        mark("angle", ((1, 2), (5, 5), (9, 2)), Number("angle", 80.5, "deg")),
        mark("rectangle", ((1, 2), (5, 6)), Number("area", 4, "mm2"), Number("mean", 3, "")),
        mark("key", ()),
    )
    return replace(found, reading=replace(found.reading, marks=marks))


@pytest.fixture
def measured(workspace: Engine, example: Any, film: Path) -> Leaving:
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.signed(workspace, example, digest)
    return marked(leaving(workspace, "case-1", [film]))


def test_what_readers_measured_is_in_the_report_with_its_place_and_scale(
    measured: Leaving,
) -> None:
    objects = {one.name: pydicom.dcmread(io.BytesIO(one.data)) for one in case_objects(measured)}
    report = objects["report"]
    for name, value, unit, points in (
        ("Length", "5", "mm", [1, 2, 11, 2]),
        ("Angle", "80.5", "deg", [1, 2, 5, 5, 9, 2]),
        ("Area", "4", "mm2", [1, 2, 5, 2, 5, 6, 1, 6, 1, 2]),
    ):
        (number,) = items(report, name)
        (told,) = number.MeasuredValueSequence
        assert told.NumericValue == value
        assert told.MeasurementUnitsCodeSequence[0].CodeValue == unit
        (place,) = number.ContentSequence
        assert list(place.GraphicData) == points
        chosen = place.ContentSequence[0].ReferencedSOPSequence[0]
        assert chosen.ReferencedSOPInstanceUID == measured.films[0].film.instance
    assert said(report, "Comment").count("Millimetres at the detector.") == 1
    (chosen,) = [
        item for item in objects["key-images"].ContentSequence if item.ValueType == "IMAGE"
    ]
    reference = chosen.ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == measured.films[0].film.instance


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools is not installed")
def test_dicom3tools_finds_nothing_wrong_with_measurements(
    measured: Leaving, tmp_path: Path
) -> None:
    for one in case_objects(measured):
        assert complaints(one.data, tmp_path) == [], one.name


def test_points_on_a_mirrored_film_are_where_they_are_stored(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    film = read_case.film(tmp_path, example, PatientOrientation=["R", "F"])
    example.recorded(workspace, read_case.case_of(film, example))
    found = marked(leaving(workspace, "case-1", [film]))
    report = next(iter(case_objects(found)))
    (number,) = items(pydicom.dcmread(io.BytesIO(report.data)), "Length")
    last = read_case.COLUMNS
    assert list(number.ContentSequence[0].GraphicData) == [last - 1, 2, last - 11, 2]


def test_the_same_reading_gives_the_same_objects_and_a_changed_one_another_report(
    workspace: Engine, example: Any, film: Path
) -> None:
    first = made(workspace, example, film, "modified")
    again = make_case_objects(workspace, "case-1", films=[film], actor="somebody else")
    assert again.objects == first.objects
    with workspace.connect() as connection:
        subject = first.reading.assessment
        assert verify(connection).intact
    read_case.sign(workspace, example, subject)
    later = make_case_objects(workspace, "case-1", films=[film], actor="auditor")
    assert later.objects[0].instance != first.objects[0].instance
    assert later.objects[1:] == first.objects[1:]


def test_what_left_is_recorded_by_digest(workspace: Engine, example: Any, film: Path) -> None:
    found = made(workspace, example, film)
    assert (found.event.kind, found.event.actor) == ("EXPORTED", "auditor")
    assert found.event.payload["what"] == "case_dicom"
    assert found.event.payload["files"] == [canonical.sha256(o.data) for o in found.objects]
    assert "Müller" not in str(found.event)
    assert "MRN-77" not in str(found.event)


def test_a_case_that_others_have_to_read_blind_does_not_leave(
    workspace: Engine, example: Any, film: Path
) -> None:
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.accepted(workspace, example, digest)
    protocol_rules.set_protocol(workspace, Protocol(second_share=1.0), actor="chief")
    with pytest.raises(ReviewError, match="each other"):
        make_case_objects(workspace, "case-1", films=[film], actor="auditor")


def test_a_film_that_is_not_there_or_another_one_is_refused(
    workspace: Engine, example: Any, film: Path, tmp_path: Path
) -> None:
    digest, _ = example.recorded(workspace, read_case.case_of(film, example))
    read_case.signed(workspace, example, digest)
    with pytest.raises(ConfigError, match="None of the films"):
        make_case_objects(workspace, "case-1", films=[tmp_path / "nowhere"], actor="auditor")
    found = pydicom.dcmread(film)
    (frame,) = generate_frames(found.PixelData, number_of_frames=1)
    found.Rows -= 1
    found.PixelData = imagecodecs.jpegls_decode(frame)[: found.Rows].tobytes()
    found["PixelData"].VR = "OW"
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.save_as(film)
    with pytest.raises(ImageRefused, match="not of the size"):
        make_case_objects(workspace, "case-1", films=[film], actor="auditor")


def test_a_case_without_a_film_of_an_archive_has_no_objects(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    digest, _ = example.recorded(workspace)
    read_case.signed(workspace, example, digest)
    with pytest.raises(ConfigError, match="None of the films"):
        make_case_objects(workspace, "case-1", films=[tmp_path], actor="auditor")
