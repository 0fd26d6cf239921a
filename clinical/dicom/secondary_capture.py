"""A film with its heat map as an ordinary colour picture, for viewers that know no Parametric Map.

Secondary Capture Image Storage (PS3.3 A.8.1), 8 bits of red, green and blue. What it is stands in
the pixels themselves, because a picture is soon seen without its header.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from clinical.dicom.derived import SCHEME, Maker, coded, common, notice, source
from clinical.dicom.film import Film


def secondary_capture(
    pixels: NDArray[np.uint8],
    film: Film,
    maker: Maker,
    *,
    diagnosis: str,
    name: str,
    time: datetime,
) -> Dataset:
    """The picture of what one suggestion rests on.

    Args:
        pixels: [rows, columns, 3] as readers see the film, with the words burnt in.
        film: that is shown.
        maker: program and model.
        diagnosis: of the suggestion, in words.
        name: what tells this picture from others of the film, such as assessment and diagnosis.
        time: when the suggestion was made.

    Raises:
        ValueError: if the pixels are no colour picture.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError("pixels must be a uint8 picture of red, green and blue")
    made = Dataset()
    common(made, film, maker, time=time, series="picture", name=name)
    made.Modality = "OT"
    made.BodyPartExamined = "CHEST"
    made.ConversionType = "WSD"
    made.SOPClassUID = SecondaryCaptureImageStorage
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.PatientOrientation = _hung(film)
    made.DerivationDescription = f"Film with the heat map of {diagnosis}"
    made.DerivationCodeSequence = [coded("relevance", SCHEME, "Relevance to a suggestion")]
    made.SourceImageSequence = [source(film)]
    made.ImageComments = notice(f"Heat map of the suggestion of {diagnosis}.")
    made.BurnedInAnnotation = "YES"
    made.LossyImageCompression = "00"
    made.SamplesPerPixel = 3
    made.PhotometricInterpretation = "RGB"
    made.PlanarConfiguration = 0
    made.Rows, made.Columns = pixels.shape[:2]
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelRepresentation = 0
    data = np.ascontiguousarray(pixels).tobytes()
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OB"
    return made


def _hung(film: Film) -> list[str] | str:
    """Patient Orientation of the picture: as films are hung, if the film could be turned so."""
    if film.turn is not None:
        return ["L", "F"]
    return list(film.orientation) if len(film.orientation) == 2 else ""
