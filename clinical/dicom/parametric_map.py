"""A heat map as a DICOM Parametric Map (PS3.3 A.75): float32, a value for every pixel of the film.

A film has no position in the patient, and viewers lay a map over it pixel by pixel. So the map has
the film's own rows and columns, as stored and not as hung, and its spacing. The position that the
object must state is the origin of a frame of reference that is the film's plane and nothing else.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import ParametricMapStorage

from clinical.dicom.derived import (
    SCHEME,
    Maker,
    coded,
    common,
    derivation,
    notice,
    reference,
)
from clinical.dicom.film import Film
from clinical.dicom.write import derived_uid
from clinical.errors import ImageRefused

_AXES = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "H": (0, 0, 1),
    "F": (0, 0, -1),
}
"""Where a letter of Patient Orientation leads (PS3.3 C.7.6.2.1.1)."""

UNCOVERED = -1.0
"""Value of a pixel that the model did not look at (Float Pixel Padding Value)."""


def parametric_map(
    values: NDArray[np.float32],
    film: Film,
    maker: Maker,
    *,
    diagnosis: str,
    name: str,
    time: datetime,
) -> Dataset:
    """The map of what one suggestion rests on.

    Args:
        values: [rows, columns] of the film as it is hung for readers; 0 to 1, 1 = the strongest
            patch, `UNCOVERED` where the model did not look.
        film: under the map.
        maker: program and model.
        diagnosis: of the suggestion, in words.
        name: what tells this map from others of the film, such as assessment and diagnosis.
        time: when the suggestion was made.

    Raises:
        ImageRefused: if the map is not of this film's size.
    """
    stored = as_stored(values, film)
    made = Dataset()
    common(made, film, maker, time=time, series="heat map", name=name)
    made.Modality = "OT"
    made.BodyPartExamined = "CHEST"
    made.SOPClassUID = ParametricMapStorage
    made.FrameOfReferenceUID = film.frame_of_reference
    made.PositionReferenceIndicator = ""
    _image(made, stored, diagnosis)
    _dimensions(made, film, name)
    words = notice(f"Relevance to the suggestion of {diagnosis}; 1 is the strongest patch.")
    made.ImageComments = words
    made.SharedFunctionalGroupsSequence = [_shared(film, diagnosis, words)]
    made.PerFrameFunctionalGroupsSequence = [_frame(film, time)]
    made.ReferencedSeriesSequence = [_series(film)]
    return made


def as_stored(values: NDArray[np.float32], film: Film) -> NDArray[np.float32]:
    """A picture as it is hung, turned back to the rows and columns of the film's stored pixels.

    Raises:
        ImageRefused: if the picture is not of this film's size.
    """
    found = values if film.turn is None else film.turn.back(values)
    if found.shape != (film.rows, film.columns):
        raise ImageRefused(
            "The film is not of the size that the case was assessed with.",
            remedy="Give the file that the case was made of.",
        )
    return found


def _image(made: Dataset, stored: NDArray[np.float32], diagnosis: str) -> None:
    """General Image, Floating Point Image Pixel (C.7.6.24), Parametric Map Image (C.8.32.2)."""
    made.ImageType = ["DERIVED", "PRIMARY", "OTHER", "QUANTITY"]
    made.AcquisitionContextSequence = []
    made.SamplesPerPixel = 1
    made.PhotometricInterpretation = "MONOCHROME2"
    made.NumberOfFrames = 1
    made.Rows, made.Columns = stored.shape
    made.BitsAllocated = 32
    if (stored == UNCOVERED).any():
        made.FloatPixelPaddingValue = made.FloatPixelPaddingRangeLimit = UNCOVERED
    made.FloatPixelData = np.ascontiguousarray(stored, "<f4").tobytes()
    made.ContentLabel = "HEAT_MAP"
    made.ContentDescription = f"Heat map of {diagnosis}"[:64]
    made.ContentCreatorName = ""
    made.BurnedInAnnotation = "NO"
    made.RecognizableVisualFeatures = "NO"
    made.LossyImageCompression = "00"
    made.PresentationLUTShape = "IDENTITY"
    made.ContentQualification = "RESEARCH"
    made.PixelPresentation = "MONOCHROME"


def _dimensions(made: Dataset, film: Film, name: str) -> None:
    """Multi-frame Dimension (PS3.3 C.7.6.17): one frame, counted."""
    uid = derived_uid("dimensions", film.instance, name)
    organization, index = Dataset(), Dataset()
    organization.DimensionOrganizationUID = uid
    index.DimensionOrganizationUID = uid
    index.DimensionIndexPointer = tag_for_keyword("ImagePositionPatient")
    index.FunctionalGroupPointer = tag_for_keyword("PlanePositionSequence")
    index.DimensionDescriptionLabel = "Film"
    made.DimensionOrganizationSequence = [organization]
    made.DimensionIndexSequence = [index]


def _shared(film: Film, diagnosis: str, words: str) -> Dataset:
    groups, measures, kind, transformed, window = (Dataset() for _ in range(5))
    if film.spacing is not None:
        measures.PixelSpacing = [f"{step:.9g}" for step in film.spacing]
    kind.FrameType = ["DERIVED", "PRIMARY", "OTHER", "QUANTITY"]
    transformed.RescaleIntercept, transformed.RescaleSlope, transformed.RescaleType = 0, 1, "US"
    window.WindowCenter, window.WindowWidth = "0.5", "1"
    groups.PixelMeasuresSequence = [measures]
    groups.ParametricMapFrameTypeSequence = [kind]
    groups.PixelValueTransformationSequence = [transformed]
    groups.FrameVOILUTSequence = [window]
    groups.RealWorldValueMappingSequence = [_meaning(diagnosis)]
    groups.DerivationImageSequence = [derivation(film, words)]
    groups.FrameAnatomySequence = [_chest()]
    return groups


def _meaning(diagnosis: str) -> Dataset:
    """What the values are (PS3.3 C.7.6.16.2.11)."""
    item, quantity = Dataset(), Dataset()
    item.LUTExplanation = f"Relevance to {diagnosis}"[:64]
    item.LUTLabel = "RELEVANCE"
    item.MeasurementUnitsCodeSequence = [coded("1", "UCUM", "no units")]
    item.DoubleFloatRealWorldValueFirstValueMapped = 0.0
    item.DoubleFloatRealWorldValueLastValueMapped = 1.0
    item.RealWorldValueIntercept, item.RealWorldValueSlope = 0.0, 1.0
    quantity.ValueType = "CODE"
    quantity.ConceptNameCodeSequence = [coded("246205007", "SCT", "Quantity")]
    quantity.ConceptCodeSequence = [coded("relevance", SCHEME, "Relevance to a suggestion")]
    item.QuantityDefinitionSequence = [quantity]
    return item


def _chest() -> Dataset:
    item = Dataset()
    item.FrameLaterality = "U"
    item.AnatomicRegionSequence = [coded("51185008", "SCT", "Chest")]
    return item


def _frame(film: Film, time: datetime) -> Dataset:
    groups, frame, place, plane = (Dataset() for _ in range(4))
    frame.FrameAcquisitionNumber = 1
    frame.FrameReferenceDateTime = f"{time:%Y%m%d%H%M%S%z}"
    frame.DimensionIndexValues = 1
    place.ImagePositionPatient = [0, 0, 0]
    plane.ImageOrientationPatient = _directions(film)
    groups.FrameContentSequence = [frame]
    groups.PlanePositionSequence = [place]
    groups.PlaneOrientationSequence = [plane]
    return groups


def _directions(film: Film) -> list[int]:
    """Where rows and columns lead; as films are hung where the film does not say."""
    letters = [code[0] for code in film.orientation if code[0] in _AXES]
    row, column = letters if len(set(letters)) == 2 else ("L", "F")
    return [*_AXES[row], *_AXES[column]]


def _series(film: Film) -> Dataset:
    """Common Instance Reference (PS3.3 C.12.2)."""
    item = Dataset()
    item.SeriesInstanceUID = film.header.SeriesInstanceUID
    item.ReferencedInstanceSequence = [reference(film)]
    return item
