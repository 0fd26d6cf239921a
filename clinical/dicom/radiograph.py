"""From a DICOM data set to canonical pixels: refuse, decode, and map to larger = brighter.

The steps, in the order of PS3.3: stored values (PS3.5 8.1.1), Modality LUT or rescale (C.11.1),
inversion of MONOCHROME1 (C.7.6.3.1.2), pixel padding (C.7.5.1.1.2). The VOI LUT or window (C.11.2)
is not applied; it only gives `window` and `windows`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from clinical.dicom import codecs, dataset, provenance, window
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
            "The image belongs to another patient than the case.",
            remedy="Check which file the case should refer to.",
        )
    layout = _layout(found, request)
    photometric = _photometric(found, request)
    cells = codecs.cells(_pixel_data(found), layout, transfer_syntax)
    stored = codecs.stored_values(cells, signed=layout.signed)
    padded = _padded(found, stored, cells.values, signed=layout.signed)
    modality = modality_of(found, bits=layout.stored, signed=layout.signed)
    values = _canonical(stored, modality, inverted=photometric == "MONOCHROME1")
    shown = None if padded is None else values[~padded]
    if shown is not None and padded is not None and shown.size:
        values[padded] = shown.min()
    source = provenance.of(found) | {
        "format": "DICOM",
        "PhotometricInterpretation": photometric,
        "TransferSyntaxUID": transfer_syntax,
    }
    spacing, measured_by = provenance.spacing(found)
    if measured_by:
        source["spacing_from"] = measured_by
    top = modality.low + modality.high if photometric == "MONOCHROME1" else None
    sample = values if shown is None or not shown.size else shown
    opening, windows = window.of(found, sample, mirror=top)
    return Picture(values, spacing, opening, source, windows)


def _layout(found: Dataset, request: Request) -> codecs.Layout:
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
    stored = _integer(found, "BitsStored") or allocated
    high = _integer(found, "HighBit")
    if allocated not in (8, 16, 32) or stored is None or not 1 <= stored <= allocated:
        raise ImageUnreadable(
            f"The header states {stored} bits in cells of {allocated}.", remedy=_EXPORT
        )
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    signed = _integer(found, "PixelRepresentation") == 1
    words = found.get_item("PixelData").VR == "OW"
    return codecs.Layout(rows, columns, allocated, stored, high, signed, words)


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
    stated = dataset.code(found, "PhotometricInterpretation") or request.photometric
    if stated in ("MONOCHROME1", "MONOCHROME2"):
        return stated
    if stated:
        raise ImageRefused(f"The image has colour: {stated}.", remedy=_SINGLE)
    raise ImageRefused(
        "The header does not say whether the image is MONOCHROME1 or MONOCHROME2.",
        remedy="State the photometric interpretation of this image.",
    )


def _integer(found: Dataset, keyword: str) -> int | None:
    value = dataset.number(found, keyword)
    return None if value is None or not np.isfinite(value) else int(value)


def _pixel_data(found: Dataset) -> bytes:
    try:
        value = found["PixelData"].value
    except PARSER_ERRORS:
        value = None
    if not isinstance(value, bytes) or not value:
        raise ImageUnreadable("The pixel data element is empty.", remedy=_EXPORT)
    return value


def _padded(
    found: Dataset, stored: NDArray[Any], cells: NDArray[Any], *, signed: bool
) -> NDArray[np.bool_] | None:
    """Which pixels are padding (PS3.3 C.7.5.1.1.2), or None if none is.

    The padding value may lie outside Bits Stored, so whole cells are compared too.
    """
    value = dataset.number(found, "PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.number(found, "PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    mask: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    wide = 1 << (8 * cells.dtype.itemsize)
    if limit is None:
        mask |= cells == low % wide
        if signed and low >= wide // 2:
            mask |= stored == low - wide
    return mask if mask.any() else None


def _canonical(stored: NDArray[Any], modality: Modality, *, inverted: bool) -> NDArray[np.float32]:
    """Modality values; MONOCHROME1 inverted about the range that the stored bits can express."""
    values = modality.apply(stored)
    if inverted:
        np.subtract(modality.low + modality.high, values, out=values)
    out: NDArray[np.float32] = values.astype(np.float32, copy=False)
    if not np.isfinite(out).all():
        raise ImageUnreadable("The rescaled pixels are not finite numbers.", remedy=_EXPORT)
    return out
