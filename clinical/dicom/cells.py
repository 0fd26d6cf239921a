"""Where in a decoded cell the value of a pixel is: one answer for every transfer syntax.

PS3.5 section 8.1.1: of Bits Allocated, the Bits Stored up to High Bit are the value. A codec knows
only the precision that its stream was written with, which may be that of the value or of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinical.errors import ImageUnreadable

_OVERSHOOT = 16
"""A lossy codec may go past the ends of the range by this part of it."""

_EXPORT = "Export the image again from its source."


@dataclass(frozen=True)
class Layout:
    """What the header says of the pixel cells (PS3.5 section 8.1.1).

    Attributes:
        rows, columns: size of the single frame; one sample per pixel.
        allocated: bits per cell: 8, 16 or 32.
        stored: bits of a cell that hold the value.
        high: position of the most significant of them.
        signed: two's complement?
        words: was the element written as OW, in 16-bit words?
    """

    rows: int
    columns: int
    allocated: int
    stored: int
    high: int
    signed: bool
    words: bool = False


@dataclass(frozen=True)
class Samples:
    """What came out of the pixel data.

    Attributes:
        values: unsigned integers, rows x columns; the bits of two's complement if signed.
        precision: bits of a sample, from bit 0: Bits Allocated where nothing compressed them.
        signed: what the stream says itself, or None where it does not say.
        notes: what was odd about it, a sentence each.
    """

    values: NDArray[Any]
    precision: int
    signed: bool | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cells:
    """Decoded cells and where in each of them the value is.

    Attributes:
        values: unsigned integers, rows x columns.
        stored, high: as in `Layout`, but as the stream has it.
        notes: as in `Samples`.
        width: bits of a whole cell, or 0 for all of its type; its sign may be in the last of them.
    """

    values: NDArray[Any]
    stored: int
    high: int
    notes: tuple[str, ...] = ()
    width: int = 0


def placed(found: Samples, layout: Layout, *, lossless: bool) -> Cells:
    """Where the value is in `found`.

    A stream no wider than Bits Stored holds values. A wider one holds cells, as the header lays
    them out; of a lossy one nothing is masked, which would wrap around what overshoots.

    Raises:
        ImageUnreadable: if stream and header contradict each other.
    """
    precision, shift = found.precision, layout.high + 1 - layout.stored
    notes = found.notes + _sign_notes(found, layout)
    if precision <= layout.stored:
        return Cells(found.values, precision, precision - 1, notes)
    if precision <= layout.high:
        raise ImageUnreadable(
            f"The compressed pixel data have {precision} bits; the header places {layout.stored} "
            f"up to bit {layout.high}.",
            remedy=_EXPORT,
        )
    if lossless:
        return Cells(found.values, layout.stored, layout.high, notes, precision)
    cells = Cells(found.values, precision - shift, precision - 1, notes)
    _check_lossy(stored_values(cells, signed=layout.signed), layout)
    return cells


def stored_values(found: Cells, *, signed: bool) -> NDArray[np.int64] | NDArray[np.int32]:
    """The values in `found`: shifted to bit 0, other bits masked, sign extended.

    Raises:
        ImageUnreadable: if the values go on above Bits Stored.
    """
    kind = np.int64 if found.values.dtype.itemsize > 2 else np.int32
    shift = found.high + 1 - found.stored
    cells: NDArray[Any] = found.values.astype(kind)
    if shift:
        cells >>= shift
    width = (found.width or 8 * found.values.dtype.itemsize) - shift
    if shift or found.stored < width:
        values = _low_bits(cells, found.stored, signed=signed)
        if found.stored < width:
            _check_above(values, _low_bits(cells, width, signed=signed))
        return values
    return _low_bits(cells, found.stored, signed=signed)


def _low_bits(cells: NDArray[Any], bits: int, *, signed: bool) -> NDArray[Any]:
    values: NDArray[Any] = cells & ((1 << bits) - 1)
    if signed:
        half = 1 << (bits - 1)
        values ^= half
        values -= half
    return values


def _check_above(values: NDArray[Any], whole: NDArray[Any]) -> None:
    """Refuse pixels that go on in the bits above Bits Stored.

    Such bits may hold an overlay or anything else (PS3.5 8.1.1), and then the picture is smoother
    without them. Where it is smoother with them, they belong to the values, and Bits Stored is
    wrong: without them, bright pixels would wrap around to dark.
    """
    above = whole - values
    if not above.any():
        return
    roughness = [0.0, 0.0]
    for axis in (0, 1):
        edge = np.diff(above, axis=axis) != 0
        for index, pixels in enumerate((values, whole)):
            steps = np.abs(np.diff(pixels, axis=axis)[edge])
            roughness[index] += float(steps.sum(dtype=np.float64))
    if roughness[1] < roughness[0]:
        raise ImageUnreadable(
            "The pixels have larger values than Bits Stored can express.",
            remedy="Correct Bits Stored and High Bit, or export the image again from its source.",
        )


def _check_lossy(values: NDArray[Any], layout: Layout) -> None:
    span = 1 << layout.stored
    low = -span // 2 if layout.signed else 0
    margin = span // _OVERSHOOT
    if values.min() < low - margin or values.max() >= low + span + margin:
        raise ImageUnreadable(
            "The pixels have larger values than Bits Stored can express.",
            remedy="Correct Bits Stored and High Bit, or export the image again from its source.",
        )


def _sign_notes(found: Samples, layout: Layout) -> tuple[str, ...]:
    """Compare the sign of a stream with that of the header; it matters above half the range."""
    if found.signed is None or found.signed == layout.signed:
        return ()
    if not (found.values >> (found.precision - 1) & 1).any():
        return ()
    if found.signed:
        raise ImageUnreadable(
            "The compressed pixels are signed, but Pixel Representation says that they are not.",
            remedy=_EXPORT,
        )
    # A lossless encoder that knows no sign gives the bits back as they were: the header decides.
    return ("Pixel Representation says signed, the compressed pixels do not; read as signed.",)
