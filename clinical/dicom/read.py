"""The one way to read pixels: any radiograph file to one canonical array, or one typed error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from clinical.case.shapes import Array, Sex
from clinical.case.window import from_json as window_from_json
from clinical.dicom import reader
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import Request


def read_image(
    path: Path,
    *,
    photometric: Literal["MONOCHROME1", "MONOCHROME2"] | None = None,
    expected_patient_id: str | None = None,
    expected_sex: Sex | None = None,
    expected_age_years: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Array:
    """Read one grayscale image: DICOM (PS3.10 file or bare data set), PNG or JPEG, by its content.

    Values are float32, larger is brighter is denser. For DICOM they are the output of the Modality
    LUT or Rescale Slope and Intercept (PS3.3 C.11.1). MONOCHROME1 (PS3.3 C.7.6.3.1.2) is inverted
    to low + high - value, low and high being the modality values at the two ends of the range that
    Bits Stored can express (PNG, JPEG: 0 and 255 or 65535). Padded pixels (Pixel Padding Value and
    Range Limit) get the smallest value of the others. The VOI LUT or window is not applied; it
    gives `window`, mirrored like the values for MONOCHROME1, or else the 0.5th to 99.5th percentile
    does (PNG, JPEG: the full range). `windows` holds all that the file states, with their function
    and explanation, where one linear window would not say it.

    Args:
        path: the file; its name and extension are not looked at.
        photometric: convention of a PNG or JPEG (default MONOCHROME2), and of a DICOM file that
            does not state one; what a DICOM file states wins.
        expected_patient_id: refuse a DICOM file that states another Patient ID.
        expected_sex, expected_age_years: of the case; a DICOM file that states another is reported.
        limits: what the image may cost.

    Returns:
        An `Array` with axes ("row", "column"), spacing in mm where Pixel Spacing, Imager Pixel
        Spacing or Nominal Scanned Pixel Spacing gives it (`source["spacing_from"]` says which), and
        in `source`, where known: SOPInstanceUID, StudyInstanceUID, SOPClassUID, TransferSyntaxUID,
        PhotometricInterpretation (before inversion), Modality, ViewPosition, BodyPartExamined,
        acquired (ISO 8601), PixelAspectRatio (where pixels are not square and no spacing says so),
        coloured_pixels (share of a PNG or JPEG with coloured marks), format, and dataset_digest
        (SHA-256 of the file). Where there is something to say: latest_date (of all that the header
        states, if after `acquired`) and latest_date_from (its attribute), view_from (attribute
        that told the view, if not View Position), view_doubted_by (one that contradicts it),
        spacing_calibration (PS3.3 10.7.1.3), turned (what was done so that the patient's right is
        at the left of the picture), orientation ("unknown" where the header does not state it), and
        warnings (sentences, one to a line). Never a name.

    Raises:
        ImageRefused: well formed, but not one grayscale image, or of another patient.
        ImageUnreadable: missing, broken, hostile, or over a limit. Neither error's text holds the
            path or anything from the file but sizes and counts.
    """
    request = Request(
        os.fspath(path.absolute()),
        photometric,
        expected_patient_id,
        limits,
        expected_sex=expected_sex,
        expected_age_years=expected_age_years,
    )
    answer, values = reader.ask(request)
    spacing, window = answer["spacing"], answer["window"]
    return Array(
        values,
        spacing=(spacing[0], spacing[1]) if spacing else None,
        window=(window[0], window[1]),
        source=answer["source"],
        windows=tuple(window_from_json(stated) for stated in answer["windows"]),
    )
