"""The attributes of a file that decide how its pixels are understood, as the file writes them."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from clinical.dicom import dataset, raster, sniff
from clinical.dicom.limits import Limits
from clinical.dicom.picture import PARSER_ERRORS

DECIDING: dict[str, str] = {
    "SOPClassUID": "",
    "Modality": "",
    "BodyPartExamined": "",
    "ImageType": "",
    "PresentationIntentType": "",
    "Rows": "",
    "Columns": "",
    "NumberOfFrames": "",
    "SamplesPerPixel": "",
    "PhotometricInterpretation": "",
    "BitsAllocated": "",
    "BitsStored": "",
    "HighBit": "",
    "PixelRepresentation": "",
    "PixelPaddingValue": "",
    "PixelPaddingRangeLimit": "",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "ModalityLUTSequence": "",
    "PixelIntensityRelationshipSign": "",
    "PresentationLUTShape": "",
    "WindowCenter": "FrameVOILUTSequence",
    "WindowWidth": "FrameVOILUTSequence",
    "VOILUTFunction": "FrameVOILUTSequence",
    "VOILUTSequence": "",
    "PixelSpacing": "PixelMeasuresSequence",
    "PixelSpacingCalibrationType": "PixelMeasuresSequence",
    "ImagerPixelSpacing": "",
    "NominalScannedPixelSpacing": "",
    "PixelAspectRatio": "",
    "ViewPosition": "",
    "ViewCodeSequence": "",
    "PatientOrientation": "",
    "ImageLaterality": "",
    "AcquisitionDateTime": "",
    "AcquisitionDate": "",
    "AcquisitionTime": "",
    "ContentDate": "",
    "ContentTime": "",
    "SeriesDate": "",
    "SeriesTime": "",
    "StudyDate": "",
    "StudyTime": "",
    "TimezoneOffsetFromUTC": "",
    "PatientSex": "",
    "PatientAge": "",
    "BurnedInAnnotation": "",
}
"""Keyword to the functional group that may hold it in an enhanced image (PS3.3 C.7.6.16), or ""."""

_LONGEST = 64


def of(data: bytes, limits: Limits) -> list[tuple[str, str]]:
    """Name and value of each deciding attribute that is there. Never a name of a person.

    Raises:
        ImageError: if `data` are no image.
    """
    if sniff.kind_of(data[: sniff.HEAD]) in ("png", "jpeg"):
        return raster.facts(data, limits)
    found, transfer_syntax = dataset.parse(data, limits)
    told = [("Transfer Syntax UID", transfer_syntax)]
    for keyword, group in DECIDING.items():
        place = dataset.macro(found, group) if group else found
        if not dataset.is_empty(place, keyword):
            told.append((dataset.name_of(keyword), _text(place, keyword)))
    return told


def _text(place: Dataset, keyword: str) -> str:
    try:
        value = place.get(keyword)
        if isinstance(value, Sequence):
            text = "; ".join(_item(item) for item in value)
        elif isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
            text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
        else:
            text = "\\".join(str(one) for one in value)
    except PARSER_ERRORS:
        return "(cannot be understood)"
    plain = "".join(letter if letter.isprintable() else "?" for letter in text.strip(" \0"))
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]} ..."


def _item(item: Dataset) -> str:
    if "LUTDescriptor" in item:
        entries, first, bits = (int(value) for value in dataset.numbers(item, "LUTDescriptor"))
        return f"table of {entries or 65536} entries of {bits} bits from {first}"
    return f"{item.get('CodeValue', '')} {item.get('CodingSchemeDesignator', '')}".strip()
