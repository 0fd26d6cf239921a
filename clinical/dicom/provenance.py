"""Where a DICOM image comes from: identifiers, view, time and scale. Never a name."""

from __future__ import annotations

import re

import numpy as np
from pydicom.dataset import Dataset

from clinical.dicom import dataset, dates, view
from clinical.dicom.picture import PARSER_ERRORS

_CODES = (
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SOPClassUID",
    "Modality",
    "ViewPosition",
    "BodyPartExamined",
)

# SH of at most 16 characters. Without a digit it is a word, and might be a name.
_ACCESSION = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 ./_-]{0,15}")

_CALIBRATED = ("GEOMETRY", "FIDUCIAL")


def of(found: Dataset) -> dict[str, str]:
    """The attributes of `found` that may travel with its pixels, where they are known."""
    source = {keyword: dataset.code(found, keyword) for keyword in _CODES}
    source["AccessionNumber"] = _accession(found)
    seen = view.of(found)
    source["ViewPosition"] = seen.position
    stamps = dates.of(found)
    source["acquired"] = stamps.acquired
    if dates.is_later(stamps.latest, stamps.acquired):
        source["latest_date"] = stamps.latest
        source["latest_date_from"] = stamps.latest_by
    if seen.stated_by not in ("", "ViewPosition"):
        source["view_from"] = seen.stated_by
    if seen.doubted_by:
        source["view_doubted_by"] = seen.doubted_by
    ratio = dataset.numbers(found, "PixelAspectRatio")
    if len(ratio) == 2 and ratio[0] != ratio[1] and min(ratio) > 0:
        source["PixelAspectRatio"] = f"{ratio[0]:g}:{ratio[1]:g}"
    return {key: value for key, value in source.items() if value}


def _accession(found: Dataset) -> str:
    """The number of the order (PS3.3 C.7.2.1), by which a department looks for a study, or ""."""
    try:
        stated = str(found.get("AccessionNumber") or "").strip()
    except PARSER_ERRORS:
        return ""
    return stated if _ACCESSION.fullmatch(stated) else ""


def of_another_patient(found: Dataset, expected: str | None) -> bool:
    """Whether the file states another Patient ID than the one expected."""
    try:
        stated = str(found.get("PatientID") or "").strip()
    except PARSER_ERRORS:
        stated = ""
    return expected is not None and bool(stated) and stated != expected.strip()


def calibration(found: Dataset) -> str:
    """How Pixel Spacing was corrected for magnification (PS3.3 10.7.1.3), or "" if it was not.

    GEOMETRY or FIDUCIAL where the header says so; UNKNOWN where only another Imager Pixel Spacing
    shows it.
    """
    place = dataset.macro(found, "PixelMeasuresSequence")
    stated = dataset.code(place, "PixelSpacingCalibrationType")
    if stated in _CALIBRATED:
        return stated
    patient, imager = (
        dataset.numbers(where, keyword)
        for where, keyword in ((place, "PixelSpacing"), (found, "ImagerPixelSpacing"))
    )
    if len(patient) != 2 or len(imager) != 2:
        return ""
    return "" if np.allclose(patient, imager, rtol=0.001) else "UNKNOWN"


def spacing(found: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Millimetres between rows and between columns, and the attribute that says so.

    Pixel Spacing (PS3.3 10.7.1; see `calibration`), else Imager Pixel Spacing (at the detector, not
    corrected for magnification), else Nominal Scanned Pixel Spacing (digitised film).
    """
    place = dataset.macro(found, "PixelMeasuresSequence")
    for where, keyword in (
        (place, "PixelSpacing"),
        (found, "ImagerPixelSpacing"),
        (found, "NominalScannedPixelSpacing"),
    ):
        values = dataset.numbers(where, keyword)
        if len(values) == 2 and np.isfinite(values).all() and 0 < min(values) <= max(values) < 100:
            return (values[0], values[1]), keyword
    return None, ""
