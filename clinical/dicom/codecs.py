"""Stored pixel values from the Pixel Data element, for each transfer syntax that can be decoded.

One visible table, `DECODERS`. What a codec returns is checked against the header before and after.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from imagecodecs import jpegls_decode, packbits_decode
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.uid import UID

from clinical.dicom import dataset, jpeg, jpeg_2000
from clinical.dicom.picture import PARSER_ERRORS
from clinical.errors import ImageUnreadable

_JPEG_END = b"\xff\xd9"
_RLE_HEADER = 64
_RLE_PADDING = 4
"""Zeros that may follow the pixels of a segment: two bytes of padding decode to one of them."""

_AGAIN = "Fetch the file again from its source; it may have been cut short."

_TRANSCODE = (
    "Transcode the file to Explicit VR Little Endian, for example with dcmconv or gdcmconv --raw."
)


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
class Cells:
    """Decoded cells and where in each of them the value is.

    Attributes:
        values: unsigned integers, rows x columns.
        stored, high: as in `Layout`, but as the codec has it.
    """

    values: NDArray[Any]
    stored: int
    high: int


Decoder = Callable[[bytes, Layout], Cells]


def cells(pixel_data: bytes, layout: Layout, transfer_syntax: str) -> Cells:
    """Decode the single frame in `pixel_data`.

    Raises:
        ImageUnreadable: if the transfer syntax is not supported, or the data are too short,
            broken, or of another size than the header says.
    """
    if transfer_syntax in NATIVE:
        return _native(pixel_data, layout, big=transfer_syntax == dataset.EXPLICIT_BIG)
    decoder = DECODERS.get(transfer_syntax)
    if decoder is None:
        raise ImageUnreadable(
            f"There is no decoder for the transfer syntax {_name(transfer_syntax)}.",
            remedy=_TRANSCODE,
        )
    try:
        decoded = decoder(get_frame(pixel_data, 0, number_of_frames=1), layout)
    except MemoryError:
        raise ImageUnreadable(
            "Decoding the pixel data takes more memory than the limit.",
            remedy="Give an image of ordinary size, or raise Limits.memory_bytes.",
        ) from None
    except PARSER_ERRORS as error:
        raise ImageUnreadable(
            f"The {_name(transfer_syntax)} pixel data cannot be decoded ({type(error).__name__}).",
            remedy=_AGAIN,
        ) from None
    if decoded.values.shape != (layout.rows, layout.columns):
        raise _mismatch()
    if transfer_syntax in LOSSLESS and decoded.stored > layout.stored:
        # The codec gave the cells back bit for bit; only Bits Stored of them are the value. A lossy
        # codec may overshoot by a few levels instead, which masking would wrap around.
        return Cells(decoded.values, layout.stored, layout.stored - 1)
    return decoded


def stored_values(found: Cells, *, signed: bool) -> NDArray[np.int64] | NDArray[np.int32]:
    """The values in `found`: shifted to bit 0, other bits masked, sign extended."""
    kind = np.int64 if found.values.dtype.itemsize > 2 else np.int32
    shift = found.high + 1 - found.stored
    values: NDArray[Any] = found.values.astype(kind)
    if shift:
        values >>= shift
    if shift or found.stored < 8 * found.values.dtype.itemsize:
        values &= (1 << found.stored) - 1
    if signed:
        half = 1 << (found.stored - 1)
        values ^= half
        values -= half
    return values


def _native(data: bytes, layout: Layout, *, big: bool) -> Cells:
    count = layout.rows * layout.columns
    size = layout.allocated // 8
    if len(data) < count * size:
        raise ImageUnreadable(
            f"The pixel data are cut short: {len(data):,} of {count * size:,} bytes.", remedy=_AGAIN
        )
    # 8-bit pixels in big-endian 16-bit words change places in pairs (PS3.5 sections 8.1.1, A.3).
    if big and size == 1 and layout.words:
        even = data[: count + count % 2].ljust(count + count % 2, b"\0")
        values = np.frombuffer(even, ">u2").astype("<u2").view(np.uint8)[:count]
    else:
        values = np.frombuffer(data, f"{'>' if big else '<'}u{size}", count)
    return Cells(values.reshape(layout.rows, layout.columns), layout.stored, layout.high)


def _rle(frame: bytes, layout: Layout) -> Cells:
    """PS3.5 annex G: one PackBits segment for each byte of a cell, the most significant first."""
    size, pixels = layout.allocated // 8, layout.rows * layout.columns
    count, *starts = struct.unpack_from("<16L", frame)
    bounds = [*starts[:size], len(frame)]
    if count != size or bounds[0] != _RLE_HEADER or bounds != sorted(bounds):
        raise ValueError("not one segment for each byte of a cell")
    planes = np.empty((pixels, size), np.uint8)
    for index, (start, end) in enumerate(pairwise(bounds)):
        segment = packbits_decode(frame[start:end], out=pixels + _RLE_PADDING)
        if any(segment[pixels:]):
            raise ValueError("a segment is too long")
        planes[:, size - 1 - index] = np.frombuffer(segment, np.uint8, pixels)
    return _native(planes.tobytes(), layout, big=False)


def _jpeg(frame: bytes, layout: Layout) -> Cells:
    header = _checked(frame, layout)
    if header.marker not in jpeg.PROCESSES:
        raise ImageUnreadable(
            "The pixel data are JPEG of a process not allowed here, such as progressive.",
            remedy=_TRANSCODE,
        )
    return Cells(jpeg.decode(frame), header.precision, header.precision - 1)


def _jpeg_ls(frame: bytes, layout: Layout) -> Cells:
    header = _checked(frame, layout)
    if not frame.rstrip(b"\0\xff").endswith(_JPEG_END):
        # CharLS would notice, but may look for a code that does not end for seconds.
        raise EOFError("no end of image")
    try:
        values = jpegls_decode(frame)
    except RuntimeError:
        # Some encoders pad with one zero byte before the end marker, which CharLS refuses.
        whole = frame.rstrip(b"\0")
        if not whole.endswith(b"\0" + _JPEG_END):
            raise
        values = jpegls_decode(whole[:-3] + _JPEG_END)
    return Cells(values, header.precision, header.precision - 1)


def _jpeg_2000(frame: bytes, layout: Layout) -> Cells:
    header = jpeg_2000.header_of(frame)
    if (header.rows, header.columns, header.components) != (layout.rows, layout.columns, 1):
        raise _mismatch()
    values = jpeg_2000.decode(frame)
    unsigned = values.view(f"u{values.dtype.itemsize}")
    return Cells(unsigned, header.precision, header.precision - 1)


def _checked(frame: bytes, layout: Layout) -> jpeg.Frame:
    header = jpeg.frame_of(frame)
    if (header.rows, header.columns, header.components) != (layout.rows, layout.columns, 1):
        raise _mismatch()
    return header


def _mismatch() -> ImageUnreadable:
    return ImageUnreadable(
        "The compressed pixel data are of another size than the DICOM header says.",
        remedy="Export the image again from its source.",
    )


def _name(transfer_syntax: str) -> str:
    uid = UID(transfer_syntax)
    return uid.name if uid.is_transfer_syntax and uid.name != uid else transfer_syntax[:64]


NATIVE = (
    dataset.IMPLICIT_LITTLE,
    dataset.EXPLICIT_LITTLE,
    dataset.DEFLATED_LITTLE,
    dataset.EXPLICIT_BIG,
)

LOSSLESS = (
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
)

DECODERS: dict[str, Decoder] = {
    "1.2.840.10008.1.2.5": _rle,
    "1.2.840.10008.1.2.4.50": _jpeg,
    "1.2.840.10008.1.2.4.51": _jpeg,
    "1.2.840.10008.1.2.4.57": _jpeg,
    "1.2.840.10008.1.2.4.70": _jpeg,
    "1.2.840.10008.1.2.4.80": _jpeg_ls,
    "1.2.840.10008.1.2.4.81": _jpeg_ls,
    "1.2.840.10008.1.2.4.90": _jpeg_2000,
    "1.2.840.10008.1.2.4.91": _jpeg_2000,
    "1.2.840.10008.1.2.4.201": _jpeg_2000,
    "1.2.840.10008.1.2.4.202": _jpeg_2000,
    "1.2.840.10008.1.2.4.203": _jpeg_2000,
}
"""Encapsulated transfer syntaxes (PS3.6 table A-1) and what decodes them, all in `imagecodecs`: RLE
its PackBits; JPEG libjpeg-turbo; JPEG-LS CharLS; JPEG 2000 and HTJ2K OpenJPEG."""
