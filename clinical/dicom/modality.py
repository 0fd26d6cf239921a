"""The Modality LUT or rescale: stored values to the device's own scale (PS3.3 C.11.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from clinical.dicom import dataset
from clinical.errors import ImageUnreadable

_EXPORT = "Export the image again from its source."

ANGIOGRAMS = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2")
"""X-Ray Angiographic and X-Ray Radiofluoroscopic Image Storage."""


@dataclass(frozen=True, eq=False)
class Lut:
    """A lookup table (PS3.3 C.11.1.1.1, C.11.2.1.1).

    Attributes:
        first: stored value that the first entry is for; smaller values take that entry too.
        entries: outputs; larger stored values take the last.
        bits: of an output, as the descriptor states it.
        explanation: LUT Explanation as a code string, or "".
        notes: what was odd about it, a sentence each.
    """

    first: int
    entries: NDArray[np.float64]
    bits: int
    explanation: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Modality:
    """How stored values become modality values.

    Attributes:
        slope, intercept: of the rescale; 1 and 0 where there is a table instead.
        lut: the Modality LUT, or None.
        low, high: smallest and largest modality value that the stored bits can express.
    """

    slope: float
    intercept: float
    lut: Lut | None
    low: float
    high: float

    def apply(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Modality values, float64 (float32 where that is exact), same shape as `stored`."""
        if self.lut is not None:
            last = len(self.lut.entries) - 1
            taken: NDArray[Any] = self.lut.entries[np.clip(stored - self.lut.first, 0, last)]
            return taken
        if self.slope == 1 and self.intercept == int(self.intercept) and stored.itemsize <= 4:
            return stored.astype(np.float32) + np.float32(self.intercept)
        values = stored * np.float64(self.slope)
        values += self.intercept
        return values


def modality_of(found: Dataset, *, bits: int, signed: bool, big: bool = False) -> Modality:
    """The modality transformation of an image with `bits` stored.

    Args:
        found: the data set.
        bits, signed: of the stored values.
        big: is the data set big-endian?

    Raises:
        ImageUnreadable: if the slope is 0, or slope, intercept or the table cannot be understood.
    """
    place = dataset.macro(found, "PixelValueTransformationSequence")
    bottom = -(1 << (bits - 1)) if signed else 0
    top = bottom + (1 << bits) - 1
    # PS3.3 C.8.7.1.1.2: that of an angiogram leads away from what is displayed, to X-ray intensity.
    angiogram = dataset.code(found, "SOPClassUID") in ANGIOGRAMS
    lut = None if angiogram else lut_of(found, "ModalityLUTSequence", signed=signed, big=big)
    if lut is not None:
        return Modality(1.0, 0.0, lut, float(lut.entries.min()), float(lut.entries.max()))
    slope = dataset.stated(place, "RescaleSlope")
    intercept = dataset.stated(place, "RescaleIntercept") or 0.0
    slope = 1.0 if slope is None else slope
    if slope == 0:
        raise ImageUnreadable("Rescale Slope is 0.", remedy=_EXPORT)
    ends = sorted((bottom * slope + intercept, top * slope + intercept))
    return Modality(slope, intercept, None, ends[0], ends[1])


def lut_of(found: Dataset, keyword: str, *, signed: bool, big: bool = False) -> Lut | None:
    """The first table of the sequence `keyword`, or None where there is none.

    Raises:
        ImageUnreadable: if its descriptor and its data do not fit.
    """
    return next(luts_of(found, keyword, signed=signed, big=big), None)


def luts_of(found: Dataset, keyword: str, *, signed: bool, big: bool = False) -> Iterator[Lut]:
    """Every table of the sequence `keyword`; those after the first only if they are whole.

    Raises:
        ImageUnreadable: if descriptor and data of the first do not fit.
    """
    sequence = found.get(keyword)
    for number, item in enumerate(sequence if isinstance(sequence, Sequence) else ()):
        try:
            yield _lut(item, signed=signed, big=big)
        except ImageUnreadable:
            if number == 0:
                raise


def _lut(item: Dataset, *, signed: bool, big: bool) -> Lut:
    descriptor = dataset.numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        raise ImageUnreadable("A LUT Descriptor does not have three values.", remedy=_EXPORT)
    # 0 entries means 65536; a table for signed pixels may begin below 0 (PS3.3 C.11.1.1.1).
    count = int(descriptor[0]) & 0xFFFF or 65536
    first = int(descriptor[1])
    if signed and first >= 32768:
        first -= 65536
    bits = int(descriptor[2])
    entries = _entries(item, count, bits, big=big)
    notes: tuple[str, ...] = ()
    if 0 < bits < 16 and entries.max() >= 1 << bits:
        bits, notes = 16, (f"A lookup table has larger entries than the {bits} bits it states.",)
    return Lut(first, entries, bits, dataset.code(item, "LUTExplanation"), notes)


def _entries(item: Dataset, count: int, bits: int, *, big: bool) -> NDArray[np.float64]:
    """The `count` entries of a table; how wide they are, the length of the data decides.

    8-bit entries may stand one or two to a word (PS3.3 C.11.1.1.1); the words are in the byte order
    of the data set.
    """
    value = item.get("LUTData")
    if not isinstance(value, bytes):
        value, big = _as_words(value), False
    packed = bits <= 8 and len(value) == count + count % 2 and len(value) != 2 * count
    if packed:
        words = np.frombuffer(value, ">u2" if big else "<u2").astype("<u2")
        return words.view(np.uint8)[:count].astype(np.float64)
    if len(value) < 2 * count:
        raise ImageUnreadable("A lookup table is shorter than it says.", remedy=_EXPORT)
    if len(value) > 2 * count:
        raise ImageUnreadable("A lookup table is longer than it says.", remedy=_EXPORT)
    return np.frombuffer(value, ">u2" if big else "<u2").astype(np.float64)


def _as_words(value: object) -> bytes:
    """The data of a table that the parser took for numbers (LUT Data of VR US or SS)."""
    many = list(value) if isinstance(value, Iterable) else [value]
    try:
        return np.array(many, np.int64).astype("<u2").tobytes()
    except (TypeError, ValueError, OverflowError):
        raise ImageUnreadable("A lookup table has no data.", remedy=_EXPORT) from None
