"""What an image does not say of itself, in the words that are shown beside it."""

from __future__ import annotations

from collections.abc import Iterator

from clinical.case.shapes import Array

ORIENTATION = "orientation not stated in the file"
VIEW = "view not stated"
AT_DETECTOR = "mm at the detector"

_PROJECTIONS = ("CR", "DX")


def of(image: Array) -> Iterator[str]:
    """What a reader has to see for himself: which side is which, and from where it was taken.

    Nothing is said of an array that was not read from a file.
    """
    if has_unknown_sides(image):
        yield ORIENTATION
    if "format" in image.source and not image.source.get("ViewPosition"):
        yield VIEW


def has_unknown_sides(image: Array) -> bool:
    """Whether the image may be mirrored or turned, as its file does not say which side is which."""
    made = image.source.get("format", "")
    return bool(made) and (made != "DICOM" or "orientation" in image.source)


def spacing_from(image: Array) -> str:
    """The DICOM attribute that says what a millimetre of the image is, or ""."""
    return "ImagerPixelSpacing" if is_at_detector(image) else image.source.get("spacing_from", "")


def aspect(image: Array) -> float:
    """Height of a pixel by its width: of the spacing, else of Pixel Aspect Ratio (height:width)."""
    if image.spacing:
        return float(image.spacing[-2] / image.spacing[-1])
    height, _, width = image.source.get("PixelAspectRatio", "1:1").partition(":")
    return float(height) / float(width)


def is_at_detector(image: Array) -> bool:
    """Whether its millimetres are those of the detector, where the patient's shadow is larger.

    Pixel Spacing without calibration is (PS3.3 10.7.1.3), as Imager Pixel Spacing always is.
    """
    stated = image.source.get("spacing_from", "")
    calibrated = "spacing_calibration" in image.source
    projected = image.source.get("Modality") in _PROJECTIONS and not calibrated
    return stated == "ImagerPixelSpacing" or (stated == "PixelSpacing" and projected)
