"""What a header says that a reader of the image must know, or that does not fit the case."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset

from clinical.dicom import dataset, dates, view
from clinical.dicom.picture import PARSER_ERRORS, Request
from clinical.errors import ImageRefused

OLDER = 2.0
"""Years between the ages of header and table that are not reported."""

_FOR_PROCESSING = (
    "1.2.840.10008.5.1.4.1.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.1.3.1",
)
"""Digital X-Ray, Mammography X-Ray and Intra-Oral X-Ray Image Storage - For Processing."""

_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 1 / 52.18, "D": 1 / 365.25}
_DERIVED = re.compile(r"SUPPRESS|SUBTRACT")


def check_brightness(found: Dataset, photometric: str) -> None:
    """Refuse an image of which nobody can say that bright is dense.

    Raises:
        ImageRefused: if it is for processing (PS3.3 C.8.11.1), or if Presentation LUT Shape
            (C.11.6) turns the photometric interpretation into its opposite.
    """
    raw = dataset.code(found, "SOPClassUID") in _FOR_PROCESSING
    if raw or dataset.code(found, "PresentationIntentType") == "FOR PROCESSING":
        raise ImageRefused(
            "The image is for processing, not for presentation.",
            remedy="Export the image that radiologists are shown, For Presentation.",
        )
    if photometric == "MONOCHROME2" and dataset.code(found, "PresentationLUTShape") == "INVERSE":
        raise ImageRefused(
            "Photometric Interpretation MONOCHROME2 and Presentation LUT Shape INVERSE contradict "
            "each other.",
            remedy="Correct the one that is wrong; INVERSE belongs to MONOCHROME1.",
        )


def of(found: Dataset, request: Request, photometric: str) -> Iterator[str]:
    """What is odd about the header, a sentence each; never anything that it says of a person."""
    yield from dates.of(found).notes
    yield from _brightness(found, photometric)
    for keyword in ("ViewPosition", "PatientOrientation", "PixelSpacing", "ImagerPixelSpacing"):
        if not dataset.is_empty(found, keyword) and not _understood(found, keyword):
            yield f"{dataset.name_of(keyword)} in the header cannot be understood; it was not used."
    seen = view.of(found)
    if seen.doubted_by:
        yield (
            f"{dataset.name_of(seen.stated_by)} and {dataset.name_of(seen.doubted_by)} contradict "
            "each other: one is of a frontal view, one of a side view."
        )
    if dataset.code(found, "BurnedInAnnotation") == "YES":
        yield "Text is burnt into the pixels, says Burned In Annotation; it may name the patient."
    yield from _derived(found)
    yield from _person(found, request)


def _understood(found: Dataset, keyword: str) -> bool:
    match keyword:
        case "ViewPosition":
            return bool(dataset.code(found, keyword))
        case "PatientOrientation":
            return view.orientation(found) != ("", "")
        case _:
            values = dataset.numbers(found, keyword)
            return len(values) == 2 and min(values) > 0


def _brightness(found: Dataset, photometric: str) -> Iterator[str]:
    """Compare with Pixel Intensity Relationship Sign (PS3.3 C.8.11.3.1.2).

    -1: larger stored values are less X-rays, so denser; a negative Rescale Slope turns that round.
    """
    shape = dataset.code(found, "PresentationLUTShape")
    if photometric == "MONOCHROME1" and shape == "IDENTITY":
        yield (
            "Presentation LUT Shape IDENTITY does not fit MONOCHROME1, which was followed: "
            "see whether bone is bright."
        )
    place = dataset.macro(found, "PixelValueTransformationSequence")
    sign = (dataset.number(found, "PixelIntensityRelationshipSign") or 0.0) * (
        dataset.number(place, "RescaleSlope") or 1.0
    )
    if (sign > 0) if photometric == "MONOCHROME2" else (sign < 0):
        yield (
            "Pixel Intensity Relationship Sign says that bright is less dense than dark: "
            "see whether bone is bright."
        )


def _derived(found: Dataset) -> Iterator[str]:
    kinds = dataset.codes(found, "ImageType")
    if "LOCALIZER" in kinds:
        yield "The image is a localizer, says Image Type, not a radiograph to be read."
    if any(_DERIVED.search(kind) for kind in kinds):
        yield "The image was computed, with tissue taken out, says Image Type."
    elif kinds[:2] == ("DERIVED", "SECONDARY"):
        yield "The image was computed from other images, says Image Type."


def _person(found: Dataset, request: Request) -> Iterator[str]:
    sex = {"F": "female", "M": "male"}.get(dataset.code(found, "PatientSex"))
    if sex and request.expected_sex and sex != request.expected_sex:
        yield "Patient's Sex in the header is not that of the case."
    age = _age(found)
    expected = request.expected_age_years
    if age is not None and expected is not None and abs(age - expected) > OLDER:
        yield "Patient's Age in the header is not that of the case."


def _age(found: Dataset) -> float | None:
    """In years: of Patient's Age, else from the birth date to the last date of the image."""
    try:
        text = str(found.get("PatientAge") or "").strip().upper()
        birth = str(found.get("PatientBirthDate") or "").strip()
    except PARSER_ERRORS:
        return None
    match = re.fullmatch(r"(\d{1,3})([YMWD]?)", text)
    if match:
        return int(match[1]) * _YEARS[match[2] or "Y"]
    latest = dates.of(found).latest
    if not re.fullmatch(r"(18|19|20)\d{6}", birth) or not latest:
        return None
    return int(latest[:4]) - int(birth[:4]) + (int(latest[5:7]) - int(birth[4:6])) / 12
