"""Write one radiograph as a DICOM file: Digital X-Ray Image Storage - For Presentation.

The modules are those of the DX IOD (PS3.3 A.26.3). The same arguments give the same bytes: nothing
is taken from the clock, and identifiers come from the caller (`derived_uid`).
"""

from __future__ import annotations

import hashlib
import io
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from imagecodecs import jpeg2k_encode, jpegls_encode
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from clinical.case.shapes import Sex

Photometric = Literal["MONOCHROME1", "MONOCHROME2"]
Compression = Literal["jpeg-ls", "jpeg-2000", "rle", "none"]

BITS_STORED = 12
"""Of 16 allocated, as most detectors store."""

MAXIMUM = 2**BITS_STORED - 1

NOTICE = "Research use only. Not a medical device."

_SYNTAXES = {"jpeg-ls": JPEGLSLossless, "jpeg-2000": JPEG2000Lossless}

_VIEWS = {
    # PS3.16 CID 4010 "DX View"
    "PA": ("272479007", "postero-anterior"),
    "AP": ("399348003", "antero-posterior"),
}


@dataclass(frozen=True, kw_only=True)
class StudyHeader:
    """What a header says of patient and study.

    Attributes:
        patient_id, patient_name: as DICOM LO and PN. Never those of a real person.
        sex: PS3.3 C.7.1.1.
        age_years: at the study.
        acquired: with time zone; study, series, acquisition and content share it.
        study_uid, series_uid, instance_uid: unique identifiers, for example from `derived_uid`.
        institution: PS3.3 C.7.5.1.
        manufacturer: PS3.3 C.7.5.1.
        comment: comments, after the notice.
    """

    patient_id: str
    patient_name: str
    sex: Sex
    age_years: int
    acquired: datetime
    study_uid: str
    series_uid: str
    instance_uid: str
    institution: str
    manufacturer: str
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class RadiographHeader(StudyHeader):
    """What the header of a radiograph says beside the pixels.

    Attributes:
        view: PA or AP (PS3.3 C.8.11.5).
        kvp: peak kilovoltage.
    """

    view: Literal["PA", "AP"]
    kvp: float


def derived_uid(*names: str) -> str:
    """A unique identifier that depends on `names` only, under 2.25 (PS3.5 B.2, UUID derived).

    The UUID is of version 8 (RFC 9562), made of the SHA-256 of the names.
    """
    digest = bytearray(hashlib.sha256("\x1f".join(names).encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return f"2.25.{uuid.UUID(bytes=bytes(digest)).int}"


def write_radiograph(
    path: Path,
    pixels: NDArray[np.uint16],
    header: RadiographHeader,
    *,
    spacing_mm: tuple[float, float],
    window: tuple[float, float],
    photometric: Photometric = "MONOCHROME2",
    compression: Compression = "jpeg-ls",
) -> None:
    """Write `pixels` to `path`, replacing what is there.

    Args:
        path: of the file to write.
        pixels: [rows, columns], 0 to 4095, larger is brighter is denser.
        header: everything but the image.
        spacing_mm: between rows and between columns, at the detector.
        window: centre and width to display `pixels` with.
        photometric: MONOCHROME1 stores 4095 - `pixels`, and the window mirrored.
        compression: all four are lossless.

    Raises:
        ValueError: if the pixels are not a 12-bit image, or `acquired` has no time zone.
    """
    _check(pixels, header)
    found = Dataset()
    patient_and_study(found, header, "Chest radiograph")
    _series_and_equipment(found, header)
    _image(found, header, spacing_mm)
    _pixels(found, pixels, window, photometric)
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if compression == "rle":
        found.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    elif compression != "none":
        _compress(found, compression)
    buffer = io.BytesIO()
    found.save_as(buffer, enforce_file_format=True)
    path.write_bytes(buffer.getvalue())


def _check(pixels: NDArray[np.uint16], header: RadiographHeader) -> None:
    if pixels.ndim != 2 or pixels.dtype != np.uint16 or pixels.max(initial=0) > MAXIMUM:
        raise ValueError(f"pixels must be a two-dimensional uint16 image of 0 to {MAXIMUM}")
    if header.acquired.utcoffset() is None:
        raise ValueError("the acquisition time must have a time zone")


def patient_and_study(found: Dataset, header: StudyHeader, description: str) -> None:
    """Patient (PS3.3 C.7.1.1), General Study (C.7.2.1), Patient Study (C.7.2.2)."""
    date, time = f"{header.acquired:%Y%m%d}", f"{header.acquired:%H%M%S}"
    found.SpecificCharacterSet = "ISO_IR 192"
    found.PatientName = header.patient_name
    found.PatientID = header.patient_id
    found.PatientBirthDate = ""
    found.PatientSex = "F" if header.sex == "female" else "M"
    found.PatientAge = f"{min(header.age_years, 999):03d}Y"
    found.StudyInstanceUID = header.study_uid
    found.StudyDate = found.SeriesDate = found.AcquisitionDate = found.ContentDate = date
    found.StudyTime = found.SeriesTime = found.AcquisitionTime = found.ContentTime = time
    found.AcquisitionDateTime = f"{date}{time}{header.acquired:%z}"
    found.TimezoneOffsetFromUTC = f"{header.acquired:%z}"
    found.ReferringPhysicianName = ""
    found.StudyID = "1"
    found.AccessionNumber = ""
    found.StudyDescription = description


def _series_and_equipment(found: Dataset, header: RadiographHeader) -> None:
    """General and DX Series (PS3.3 C.7.3.1, C.8.11.1), General Equipment (C.7.5.1)."""
    found.Modality = "DX"
    found.PresentationIntentType = "FOR PRESENTATION"
    found.SeriesInstanceUID = header.series_uid
    found.SeriesNumber = 1
    found.SeriesDescription = f"Chest {header.view}"
    found.BodyPartExamined = "CHEST"
    found.Manufacturer = header.manufacturer
    found.ManufacturerModelName = "Simulated detector"
    found.InstitutionName = header.institution
    found.DeviceSerialNumber = "0"
    found.SoftwareVersions = "1"


def _image(found: Dataset, header: RadiographHeader, spacing_mm: tuple[float, float]) -> None:
    """General Image (PS3.3 C.7.6.1), DX Anatomy, Image, Detector, Positioning (C.8.11.2-5).

    Also X-Ray Acquisition Dose (C.8.7.8), Acquisition Context (C.7.6.14), SOP Common (C.12.1).
    """
    found.SOPClassUID = DigitalXRayImageStorageForPresentation
    found.SOPInstanceUID = header.instance_uid
    found.InstanceNumber = 1
    found.AcquisitionNumber = 1
    found.ImageType = ["ORIGINAL", "PRIMARY"]
    # Towards the patient's left along a row, towards the feet along a column.
    found.PatientOrientation = ["L", "F"]
    found.ImageLaterality = "U"
    found.AnatomicRegionSequence = [_coded("51185008", "Chest")]
    found.ViewPosition = header.view
    found.PositionerType = "NONE"
    found.ViewCodeSequence = [_coded(*_VIEWS[header.view])]
    found.ViewCodeSequence[0].ViewModifierCodeSequence = []
    found.DetectorType = "DIRECT"
    found.DetectorConfiguration = "AREA"
    found.ImagerPixelSpacing = [_decimal(value) for value in spacing_mm]
    found.PixelSpacing = [_decimal(value) for value in spacing_mm]
    found.KVP = _decimal(header.kvp)
    found.AcquisitionContextSequence = []
    found.BurnedInAnnotation = "NO"
    found.LossyImageCompression = "00"
    found.ImageComments = f"{NOTICE} {header.comment}".strip()


def _pixels(
    found: Dataset,
    pixels: NDArray[np.uint16],
    window: tuple[float, float],
    photometric: Photometric,
) -> None:
    """Image Pixel (PS3.3 C.7.6.3), the pixel part of DX Image (C.8.11.3), VOI LUT (C.11.2)."""
    inverted = photometric == "MONOCHROME1"
    stored = MAXIMUM - pixels if inverted else pixels
    centre, width = window
    found.SamplesPerPixel = 1
    found.PhotometricInterpretation = photometric
    found.Rows, found.Columns = pixels.shape
    found.BitsAllocated, found.BitsStored, found.HighBit = 16, BITS_STORED, BITS_STORED - 1
    found.PixelRepresentation = 0
    found.PixelIntensityRelationship = "LOG"
    # -1: higher values are less X-ray intensity, as where dense is bright.
    found.PixelIntensityRelationshipSign = 1 if inverted else -1
    found.RescaleIntercept, found.RescaleSlope, found.RescaleType = 0, 1, "US"
    found.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    found.WindowCenter = _decimal(MAXIMUM - centre if inverted else centre)
    found.WindowWidth = _decimal(width)
    found.PixelData = np.ascontiguousarray(stored, dtype="<u2").tobytes()


def _compress(found: Dataset, compression: Literal["jpeg-ls", "jpeg-2000"]) -> None:
    """Compress in place (PS3.5 A.4.3, A.4.4); pydicom itself would want more packages for this.

    A JPEG-LS stream says 16 bits, all that are allocated: the encoder takes no other number.
    """
    cells = np.frombuffer(found.PixelData, "<u2").reshape(found.Rows, found.Columns)
    if compression == "jpeg-ls":
        stream = _without_spiff(bytes(jpegls_encode(cells)))
    else:
        stream = bytes(
            jpeg2k_encode(cells, codecformat="J2K", bitspersample=BITS_STORED, reversible=True)
        )
    found.file_meta.TransferSyntaxUID = _SYNTAXES[compression]
    found.PixelData = encapsulate([stream])
    found["PixelData"].is_undefined_length = True
    found["PixelData"].VR = "OB"


def _without_spiff(stream: bytes) -> bytes:
    """Drop the SPIFF header (APP8 segments), which calls every image RGB at 300 dots per inch."""
    position = 2
    while stream[position : position + 2] == b"\xff\xe8":
        position += 2 + int.from_bytes(stream[position + 2 : position + 4])
    return stream[:2] + stream[position:]


def _coded(code: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "SCT", meaning
    return item


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 6.2, DS)."""
    return f"{value:.9g}"
