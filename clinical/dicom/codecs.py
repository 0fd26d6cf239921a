"""Stored pixel values from the Pixel Data element, for each transfer syntax that can be decoded.

One visible table, `DECODERS`. What a codec returns is checked against the header before and after.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from imagecodecs import jpegls_decode, packbits_decode
from pydicom.uid import UID

from clinical.dicom import dataset, jpeg, jpeg_2000
from clinical.dicom.cells import Cells, Layout, Samples, placed
from clinical.dicom.encapsulated import is_encapsulated, only_frame
from clinical.dicom.jpeg_stream import Frame, frame_of, left_over
from clinical.dicom.picture import PARSER_ERRORS
from clinical.errors import ImageUnreadable

_JPEG_END = b"\xff\xd9"
_RLE_HEADER = 64
_RLE_PADDING = 4
"""Zeros that may follow the pixels of a segment: two bytes of padding decode to one of them."""

_LEFT_OVER = "There are {:,} bytes more of pixel data than the header says; they were left out."
_BEHIND = "There are {:,} bytes behind the end of the compressed image; they were left out."

_AGAIN = "Fetch the file again from its source; it may have been cut short."

_TRANSCODE = (
    "Transcode the file to Explicit VR Little Endian, for example with dcmconv or gdcmconv --raw."
)


Decoder = Callable[[bytes, Layout], Samples]


def cells(pixel_data: bytes, layout: Layout, transfer_syntax: str) -> Cells:
    """Decode the single frame in `pixel_data`.

    Raises:
        ImageUnreadable: if the transfer syntax is not supported, or the data are too short,
            broken, or of another size than the header says.
    """
    if transfer_syntax in NATIVE:
        if is_encapsulated(pixel_data):
            raise ImageUnreadable(
                "The pixel data are compressed, but the header says that they are not.",
                remedy="Correct the transfer syntax, or export the image again from its source.",
            )
        found = _native(pixel_data, layout, big=transfer_syntax == dataset.EXPLICIT_BIG)
        return placed(found, layout, lossless=True)
    decoder = DECODERS.get(transfer_syntax)
    if decoder is None:
        raise ImageUnreadable(
            f"There is no decoder for the transfer syntax {_name(transfer_syntax)}.",
            remedy=_TRANSCODE,
        )
    try:
        decoded = decoder(only_frame(pixel_data, layout), layout)
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
    return placed(decoded, layout, lossless=transfer_syntax in LOSSLESS)


def _native(data: bytes, layout: Layout, *, big: bool) -> Samples:
    count = layout.rows * layout.columns
    size = layout.allocated // 8
    if len(data) < count * size:
        raise ImageUnreadable(
            f"The pixel data are cut short: {len(data):,} of {count * size:,} bytes.", remedy=_AGAIN
        )
    left_over = len(data) - count * size
    if left_over > 1 and left_over >= count * size:
        raise ImageUnreadable(
            f"There are {len(data):,} bytes of pixel data; the header says {count * size:,}.",
            remedy="Give a file that holds one image, with a header that fits it.",
        )
    # 8-bit pixels in big-endian 16-bit words change places in pairs (PS3.5 sections 8.1.1, A.3).
    if big and size == 1 and layout.words:
        even = data[: count + count % 2].ljust(count + count % 2, b"\0")
        values = np.frombuffer(even, ">u2").astype("<u2").view(np.uint8)[:count]
    else:
        values = np.frombuffer(data, f"{'>' if big else '<'}u{size}", count)
    notes = (_LEFT_OVER.format(left_over),) if left_over > 1 else ()
    shape = layout.rows, layout.columns
    return Samples(values.reshape(shape), layout.allocated, notes=notes)


def _rle(frame: bytes, layout: Layout) -> Samples:
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


def _jpeg(frame: bytes, layout: Layout) -> Samples:
    header = _checked(frame, layout)
    if header.marker not in jpeg.PROCESSES:
        raise ImageUnreadable(
            "The pixel data are JPEG of a process not allowed here, such as progressive.",
            remedy=_TRANSCODE,
        )
    values = jpeg.decode(frame)
    return Samples(values, header.precision, notes=_behind(left_over(frame)))


def _jpeg_ls(frame: bytes, layout: Layout) -> Samples:
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
    return Samples(values, header.precision)


def _jpeg_2000(frame: bytes, layout: Layout, *, lossless: bool = False) -> Samples:
    header = jpeg_2000.header_of(frame)
    if (header.rows, header.columns, header.components) != (layout.rows, layout.columns, 1):
        raise _mismatch()
    values = jpeg_2000.decode(frame, lossless=lossless)
    unsigned = values.view(f"u{values.dtype.itemsize}")
    behind = _behind(jpeg_2000.left_over(frame))
    return Samples(unsigned, header.precision, header.signed, notes=behind)


def _behind(count: int) -> tuple[str, ...]:
    return (_BEHIND.format(count),) if count else ()


def _jpeg_2000_lossless(frame: bytes, layout: Layout) -> Samples:
    return _jpeg_2000(frame, layout, lossless=True)


def _checked(frame: bytes, layout: Layout) -> Frame:
    header = frame_of(frame)
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
    "1.2.840.10008.1.2.5",
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
    "1.2.840.10008.1.2.4.90": _jpeg_2000_lossless,
    "1.2.840.10008.1.2.4.91": _jpeg_2000,
    "1.2.840.10008.1.2.4.201": _jpeg_2000_lossless,
    "1.2.840.10008.1.2.4.202": _jpeg_2000_lossless,
    "1.2.840.10008.1.2.4.203": _jpeg_2000,
}
"""Encapsulated transfer syntaxes (PS3.6 table A-1) and what decodes them, all in `imagecodecs`: RLE
its PackBits; JPEG libjpeg-turbo; JPEG-LS CharLS; JPEG 2000 and HTJ2K OpenJPEG."""
