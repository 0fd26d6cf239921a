"""Which DICOM objects are worth keeping: whole films and electrocardiograms, by their SOP class."""

from __future__ import annotations

from pathlib import Path

from clinical.dicom import outline, waveform
from clinical.dicom.limits import Limits
from clinical.dicom.outline import Identity
from clinical.errors import ImageRefused

IMAGES = {
    "1.2.840.10008.5.1.4.1.1.1": "Computed Radiography",
    "1.2.840.10008.5.1.4.1.1.1.1": "Digital X-Ray, for presentation",
    "1.2.840.10008.5.1.4.1.1.1.1.1": "Digital X-Ray, for processing",
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.2": "Multi-frame Grayscale Byte Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.7.3": "Multi-frame Grayscale Word Secondary Capture",
    "1.2.840.10008.5.1.4.1.1.12.1": "X-Ray Angiographic",
    "1.2.840.10008.5.1.4.1.1.12.2": "X-Ray Radiofluoroscopic",
}
"""Storage SOP classes of images that the reader may read (PS3.4 table B.5-1), and their names."""

RECORDINGS = waveform.KINDS
"""Storage SOP classes of recordings that the reader may read, and their names."""


def accepted(path: Path, limits: Limits) -> Identity:
    """Which object a DICOM file holds, if it is one to keep.

    Raises:
        ImageUnreadable: if it is not whole, or malformed.
        ImageRefused: as `check`. The text of both holds nothing of the file.
    """
    found = outline.identity_of(path, limits)
    check(found)
    return found


def check(found: Identity) -> None:
    """See that an object is one to keep.

    Raises:
        ImageRefused: if it does not say which object it is, or is of a kind that nobody here reads.
    """
    if found.sop_class not in IMAGES and found.sop_class not in RECORDINGS:
        raise ImageRefused(
            "The object is neither a radiograph nor an electrocardiogram.",
            remedy="Send storage classes that docs/receiving.md lists.",
        )
    if not found.sop_instance:
        raise ImageRefused("The object has no SOP Instance UID.", remedy="Export it again.")
    if found.sop_class in IMAGES and not found.has_pixels:
        raise ImageRefused("The image has no pixels.", remedy="Send it again from its source.")
