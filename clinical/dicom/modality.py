"""The Modality LUT or rescale: stored values to the device's own scale (PS3.3 C.11.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from clinical.dicom import dataset
from clinical.errors import ImageUnreadable

_EXPORT = "Export the image again from its source."


@dataclass(frozen=True, eq=False)
class Lut:
    """A lookup table (PS3.3 C.11.1.1.1, C.11.2.1.1).

    Attributes:
        first: stored value that the first entry is for; smaller values take that entry too.
        entries: outputs; larger stored values take the last.
        bits: of an output, as the descriptor states it.
        explanation: LUT Explanation as a code string, or "".
    """

    first: int
    entries: NDArray[np.float64]
    bits: int
    explanation: str


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


def modality_of(found: Dataset, *, bits: int, signed: bool) -> Modality:
    """The modality transformation of an image with `bits` stored.

    Raises:
        ImageUnreadable: if the slope is 0 or the table is broken.
    """
    place = dataset.macro(found, "PixelValueTransformationSequence")
    bottom = -(1 << (bits - 1)) if signed else 0
    top = bottom + (1 << bits) - 1
    lut = lut_of(found, "ModalityLUTSequence", signed=signed)
    if lut is not None:
        return Modality(1.0, 0.0, lut, float(lut.entries.min()), float(lut.entries.max()))
    slope = dataset.number(place, "RescaleSlope")
    intercept = dataset.number(place, "RescaleIntercept") or 0.0
    slope = 1.0 if slope is None else slope
    if slope == 0 or not np.isfinite(slope) or not np.isfinite(intercept):
        raise ImageUnreadable("Rescale Slope is 0 or not a number.", remedy=_EXPORT)
    ends = sorted((bottom * slope + intercept, top * slope + intercept))
    return Modality(slope, intercept, None, ends[0], ends[1])


def lut_of(found: Dataset, keyword: str, *, signed: bool) -> Lut | None:
    """The first table of the sequence `keyword`, or None where there is none.

    Raises:
        ImageUnreadable: if its descriptor and its data do not fit.
    """
    return next(luts_of(found, keyword, signed=signed), None)


def luts_of(found: Dataset, keyword: str, *, signed: bool) -> Iterator[Lut]:
    """Every table of the sequence `keyword`; those after the first only if they are whole.

    Raises:
        ImageUnreadable: if descriptor and data of the first do not fit.
    """
    sequence = found.get(keyword)
    for number, item in enumerate(sequence if isinstance(sequence, Sequence) else ()):
        try:
            yield _lut(item, signed=signed)
        except ImageUnreadable:
            if number == 0:
                raise


def _lut(item: Dataset, *, signed: bool) -> Lut:
    descriptor = dataset.numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        raise ImageUnreadable("A LUT Descriptor does not have three values.", remedy=_EXPORT)
    # 0 entries means 65536; a table for signed pixels may begin below 0 (PS3.3 C.11.1.1.1).
    count = int(descriptor[0]) & 0xFFFF or 65536
    first = int(descriptor[1])
    if signed and first >= 32768:
        first -= 65536
    entries = _entries(item, int(descriptor[2]))[:count]
    if len(entries) < count:
        raise ImageUnreadable("A lookup table is shorter than it says.", remedy=_EXPORT)
    bits = int(descriptor[2])
    return Lut(first, entries, bits, dataset.code(item, "LUTExplanation"))


def _entries(item: Dataset, bits: int) -> NDArray[np.float64]:
    value = item.get("LUTData")
    if isinstance(value, bytes):
        raw = np.frombuffer(value[: len(value) // 2 * 2], "<u2").astype(np.float64)
        # Tables of 8-bit entries are two entries to a word where packed as bytes.
        return np.frombuffer(value, "u1").astype(np.float64) if bits <= 8 and _packed(raw) else raw
    many = list(value) if hasattr(value, "__iter__") else [value]
    return np.array(many, np.float64)


def _packed(words: NDArray[np.float64]) -> bool:
    return bool(words.size and words.max() > 255)
