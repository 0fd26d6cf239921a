"""Where a DICOM image comes from: identifiers, view, time and scale. Never a name."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
from pydicom.dataset import Dataset

from clinical.dicom import dataset
from clinical.dicom.picture import PARSER_ERRORS

_CODES = (
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SOPClassUID",
    "Modality",
    "ViewPosition",
    "BodyPartExamined",
)

_STAMP = re.compile(
    r"(?P<date>\d{8})(?P<time>\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?)?(?P<zone>[+-]\d{4})?"
)


def of(found: Dataset) -> dict[str, str]:
    """The attributes of `found` that may travel with its pixels, where they are known."""
    source = {keyword: dataset.code(found, keyword) for keyword in _CODES}
    source["acquired"] = acquired(found)
    ratio = dataset.numbers(found, "PixelAspectRatio")
    if len(ratio) == 2 and ratio[0] != ratio[1] and min(ratio) > 0:
        source["PixelAspectRatio"] = f"{ratio[0]:g}:{ratio[1]:g}"
    return {key: value for key, value in source.items() if value}


def of_another_patient(found: Dataset, expected: str | None) -> bool:
    """Whether the file states another Patient ID than the one expected."""
    try:
        stated = str(found.get("PatientID") or "").strip()
    except PARSER_ERRORS:
        stated = ""
    return expected is not None and bool(stated) and stated != expected.strip()


def acquired(found: Dataset) -> str:
    """When the image was acquired, ISO 8601, or "".

    Acquisition DateTime, else Acquisition Date and Time, else Content Date and Time, with the time
    zone that the value or Timezone Offset From UTC gives. A date alone where no time is known.
    """
    zone = dataset.digits(found, "TimezoneOffsetFromUTC")
    stamps = [dataset.digits(found, "AcquisitionDateTime")]
    for kind in ("Acquisition", "Content"):
        date = dataset.digits(found, f"{kind}Date").replace(".", "")
        stamps.append(date + dataset.digits(found, f"{kind}Time") if date else "")
    for stamp in stamps:
        match = _STAMP.fullmatch(stamp)
        if match:
            iso = _iso(match, zone)
            try:
                datetime.fromisoformat(iso)
            except ValueError:
                continue
            return iso
    return ""


def _iso(match: re.Match[str], zone: str) -> str:
    date, time = match["date"], match["time"] or ""
    iso = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if not time:
        return iso
    whole, _, fraction = time.partition(".")
    whole = whole.ljust(6, "0")
    iso += f"T{whole[:2]}:{whole[2:4]}:{whole[4:6]}" + (f".{fraction:0<6}" if fraction else "")
    zone = match["zone"] or zone
    if re.fullmatch(r"[+-]\d{4}", zone):
        iso += f"{zone[:3]}:{zone[3:]}"
    return iso


def spacing(found: Dataset) -> tuple[tuple[float, float] | None, str]:
    """Millimetres between rows and between columns, and the attribute that says so.

    Pixel Spacing (calibrated, PS3.3 10.7.1), else Imager Pixel Spacing (at the detector, not
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
