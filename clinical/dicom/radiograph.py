"""From a DICOM data set to canonical pixels: refuse, decode, and map to larger = brighter.

The steps, in the order of PS3.3: stored values (PS3.5 8.1.1), Modality LUT or rescale (C.11.1),
inversion of MONOCHROME1 (C.7.6.3.1.2), pixel padding (C.7.5.1.1.2). The VOI LUT or window (C.11.2)
is not applied; it only gives `window` and `windows`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clinical.dicom import codecs, dataset, doubts, provenance, view, window
from clinical.dicom.cells import Layout, stored_values
from clinical.dicom.modality import Modality, modality_of
from clinical.dicom.picture import PARSER_ERRORS, Picture, Request, check_size
from clinical.errors import ImageRefused, ImageUnreadable

_SINGLE = "Give one uncoloured, single-frame projection image."
_EXPORT = "Export the image again from its source."


def read(data: bytes, request: Request) -> Picture:
    """Canonical pixels of the DICOM file `data`.

    Raises:
        ImageRefused: if it is not a single grayscale image, or of another patient than expected.
        ImageUnreadable: if it is broken or over a limit.
    """
    found, transfer_syntax = dataset.parse(data, request.limits)
    if provenance.of_another_patient(found, request.expected_patient_id):
        raise ImageRefused(
            "The image belongs to a different patient from the case.",
            remedy="Check which file the case should refer to.",
        )
    layout = _layout(found, request)
    photometric = _photometric(found, request)
    doubts.check_brightness(found, photometric)
    spacing, measured_by = _spacing(found, request)
    cells = codecs.cells(_pixel_data(found), layout, transfer_syntax)
    stored = stored_values(cells, signed=layout.signed)
    padded = _padded(found, stored, cells.values, layout)
    big = transfer_syntax == dataset.EXPLICIT_BIG
    modality = modality_of(found, bits=layout.stored, signed=layout.signed, big=big)
    values = _canonical(stored, modality, inverted=photometric == "MONOCHROME1")
    shown = None if padded is None else values[~padded]
    if shown is not None and padded is not None and shown.size:
        values[padded] = shown.min()
    top = modality.low + modality.high if photometric == "MONOCHROME1" else None
    sample = values if shown is None or not shown.size else shown
    opening, windows = window.of(found, sample, mirror=top, big=big)
    source = provenance.of(found) | {
        "format": "DICOM",
        "PhotometricInterpretation": photometric,
        "TransferSyntaxUID": transfer_syntax,
    }
    if measured_by:
        source["spacing_from"] = measured_by
    if measured_by == "PixelSpacing" and (calibrated := provenance.calibration(found)):
        source["spacing_calibration"] = calibrated
    notes = [
        *_layout_notes(found, layout),
        *cells.notes,
        *(modality.lut.notes if modality.lut else ()),
    ]
    notes += doubts.of(found, request, photometric)
    if notes:
        source["warnings"] = "\n".join(notes)
    return _facing(found, Picture(values, spacing, opening, source, windows))


def _spacing(found: Dataset, request: Request) -> tuple[tuple[float, float] | None, str]:
    """As `provenance.spacing`, for pixels that are not too long or wide to be resampled.

    Raises:
        ImageRefused: if they are.
    """
    spacing, measured_by = provenance.spacing(found)
    ratio = spacing or dataset.numbers(found, "PixelAspectRatio") or (1.0, 1.0)
    if min(ratio) > 0 and max(ratio) > request.limits.pixel_aspect * min(ratio):
        raise ImageRefused(
            f"The pixels are {ratio[0]:g} high to {ratio[-1]:g} wide, which no radiograph has.",
            remedy="Correct the spacing in the file, or export the image again.",
        )
    return spacing, measured_by


def _layout_notes(found: Dataset, layout: Layout) -> Iterator[str]:
    if _integer(found, "HighBit") not in (None, layout.high):
        yield f"High Bit cannot be; bit {layout.high} was taken, as Bits Stored says."


def _facing(found: Dataset, picture: Picture) -> Picture:
    """The picture with the patient's right at its left, where Patient Orientation tells."""
    source = dict(picture.source)
    turn = view.turn_of(found)
    if turn is None and view.orientation(found) == ("", ""):
        source["orientation"] = "unknown"
    doubtful = source.get("view_doubted_by") or view.is_side(source.get("ViewPosition", ""))
    if not turn or doubtful:
        return replace(picture, source=source)
    source["turned"] = f"{turn.words()}, by Patient Orientation"
    spacing = picture.spacing
    if turn.transposed:
        spacing = (spacing[1], spacing[0]) if spacing else None
        high, _, wide = source.get("PixelAspectRatio", "").partition(":")
        if wide:
            source["PixelAspectRatio"] = f"{wide}:{high}"
    return replace(picture, values=turn.apply(picture.values), spacing=spacing, source=source)


def _layout(found: Dataset, request: Request) -> Layout:
    """Check everything that the header alone can tell, before anything is decoded."""
    rows, columns = _integer(found, "Rows"), _integer(found, "Columns")
    _check_kind(found, has_size=rows is not None or columns is not None)
    if rows is None or columns is None:
        raise ImageUnreadable("The header does not state Rows and Columns.", remedy=_EXPORT)
    frames = _integer(found, "NumberOfFrames") or 1
    samples = _integer(found, "SamplesPerPixel") or 1
    check_size(rows, columns, request.limits, frames=frames, samples=samples)
    if frames > 1:
        raise ImageRefused(f"The file holds {frames} frames, not one image.", remedy=_SINGLE)
    if samples > 1:
        raise ImageRefused(f"The image has colour: {samples} samples per pixel.", remedy=_SINGLE)
    allocated = _integer(found, "BitsAllocated")
    if allocated == 1:
        raise ImageRefused("The file holds a 1-bit mask, not a radiograph.", remedy=_SINGLE)
    stored, high = _integer(found, "BitsStored"), _integer(found, "HighBit")
    stored = allocated if stored is None else stored
    if allocated not in (8, 16, 32) or stored is None or not 1 <= stored <= allocated:
        raise ImageUnreadable(
            f"The header states {stored} bits in cells of {allocated}.", remedy=_EXPORT
        )
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    representation = _integer(found, "PixelRepresentation")
    if representation not in (None, 0, 1):
        raise dataset.unclear("PixelRepresentation")
    signed = representation == 1
    words = found.get_item("PixelData").VR == "OW"
    return Layout(rows, columns, allocated, stored, high, signed, words)


def _check_kind(found: Dataset, *, has_size: bool) -> None:
    for keyword in ("FloatPixelData", "DoubleFloatPixelData"):
        if keyword in found:
            raise ImageRefused("The file holds a parametric map, not an image.", remedy=_SINGLE)
    if "PixelData" in found:
        return
    if has_size or not dataset.code(found, "SOPClassUID"):
        raise ImageUnreadable(
            "The file ends before its pixel data.",
            remedy="Fetch the file again from its source; it may have been cut short.",
        )
    raise ImageRefused("The DICOM object holds no image.", remedy=_SINGLE)


def _photometric(found: Dataset, request: Request) -> str:
    stated = dataset.code(found, "PhotometricInterpretation")
    if not stated and not dataset.is_empty(found, "PhotometricInterpretation"):
        raise dataset.unclear("PhotometricInterpretation")
    stated = stated or request.photometric or ""
    if stated in ("MONOCHROME1", "MONOCHROME2"):
        return stated
    if stated:
        raise ImageRefused(f"The image has colour: {stated}.", remedy=_SINGLE)
    raise ImageRefused(
        "The header does not say whether the image is MONOCHROME1 or MONOCHROME2.",
        remedy="State the photometric interpretation of this image.",
    )


def _integer(found: Dataset, keyword: str) -> int | None:
    value = dataset.stated(found, keyword)
    if value is not None and value != int(value):
        raise dataset.unclear(keyword)
    return None if value is None else int(value)


def _pixel_data(found: Dataset) -> bytes:
    try:
        value = found["PixelData"].value
    except PARSER_ERRORS:
        value = None
    if not isinstance(value, bytes) or not value:
        raise ImageUnreadable("The pixel data element is empty.", remedy=_EXPORT)
    return value


def _padded(
    found: Dataset, stored: NDArray[Any], cells: NDArray[Any], layout: Layout
) -> NDArray[np.bool_] | None:
    """Which pixels are padding (PS3.3 C.7.5.1.1.2), or None if none is.

    The padding value may lie outside Bits Stored, so whole cells are compared too.
    """
    value = dataset.stated(found, "PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.stated(found, "PixelPaddingRangeLimit")
    ends = [int(value), int(value if limit is None else limit)]
    low, high = sorted(_as_stored(end, layout) for end in ends)
    mask: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    whole = 1 << (8 * cells.dtype.itemsize)
    low, high = sorted(end % whole for end in ends)
    if low >> layout.stored and layout.high == layout.stored - 1:
        mask |= (cells >= low) & (cells <= high)
    return mask if mask.any() else None


def _as_stored(padding: int, layout: Layout) -> int:
    """A padding value as stored pixels have it, where it was written with the wrong sign."""
    half, whole = 1 << (layout.stored - 1), 1 << layout.allocated
    if layout.signed and padding >= half:
        return padding - (whole if padding >= whole // 2 else 2 * half)
    return padding + whole if padding < 0 and not layout.signed else padding


def _canonical(stored: NDArray[Any], modality: Modality, *, inverted: bool) -> NDArray[np.float32]:
    """Modality values; MONOCHROME1 inverted about the range that the stored bits can express."""
    values = modality.apply(stored)
    if inverted:
        np.subtract(modality.low + modality.high, values, out=values)
    out: NDArray[np.float32] = values.astype(np.float32, copy=False)
    if not np.isfinite(out).all():
        raise ImageUnreadable("The rescaled pixels are not finite numbers.", remedy=_EXPORT)
    return out
