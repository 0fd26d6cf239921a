"""File type from its first bytes; the file name is ignored."""

from __future__ import annotations

import struct
from typing import Literal

from clinical.errors import ImageRefused, ImageUnreadable

Kind = Literal["dicom", "headerless", "png", "jpeg"]

HEAD = 352
"""How many bytes `kind_of` wants to see: enough for the NIfTI-1 header."""

_REMEDY = "Give a DICOM, PNG or JPEG radiograph."

_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "gzip-compressed (NIfTI volumes often are)"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"\x00\x00\x00\x0cjP  ", "a bare JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 codestream"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
)

_VALUE_REPRESENTATIONS = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR "
    b"US UT UV".split()
)


def kind_of(head: bytes) -> Kind:
    """The kind of image that `head`, the first bytes of a file, begins.

    A DICOM data set without the Part 10 preamble (PS3.10 section 7.1) is taken for one only if its
    first element is of group 0002 or 0008 and well formed, which plain text never is.

    Raises:
        ImageUnreadable: if the file is empty.
        ImageRefused: if it is anything else than DICOM, PNG or JPEG.
    """
    if not head:
        raise ImageUnreadable("The file is empty.", remedy="Fetch it again from its source.")
    if head[128:132] == b"DICM":
        return "dicom"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if _is_nifti(head):
        raise ImageRefused("The file is a NIfTI volume, not a radiograph.", remedy=_REMEDY)
    for magic, name in _OTHERS:
        if head.startswith(magic):
            raise ImageRefused(f"The file is {name}, not a radiograph.", remedy=_REMEDY)
    if encoding_of(head) is not None:
        return "headerless"
    raise ImageRefused("The file is not an image of a known format.", remedy=_REMEDY)


DIRECTORY = "1.2.840.10008.1.3.10"
"""Media Storage Directory Storage: a DICOMDIR (PS3.10 section 8.6)."""

WAVEFORMS = "1.2.840.10008.5.1.4.1.1.9."
"""What the storage classes of recordings begin with (PS3.4 annex B.5)."""


def media_storage(head: bytes) -> str:
    """Media Storage SOP Class UID of a file that begins with `head`; "" where that does not say it.

    The file meta information is always explicit little endian (PS3.10 section 7.1).
    """
    at = 132
    while at + 8 <= len(head):
        group, element, length = *struct.unpack_from("<HH", head, at), 0
        long = head[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        start = at + (12 if long else 8)
        if group != 0x0002 or start > len(head):
            break
        length = struct.unpack_from("<L" if long else "<H", head, at + (8 if long else 6))[0]
        if element == 0x0002:
            return head[start : start + length].decode("ascii", "replace").strip("\0 ")
        at = start + length
    return ""


def is_waveform(head: bytes) -> bool:
    """Whether a DICOM file that begins with `head` says that it holds a waveform and no image.

    Its SOP class stands in the file meta information, or among the first elements.
    """
    return WAVEFORMS.encode() in head


def encoding_of(head: bytes) -> tuple[bool, bool] | None:
    """Implicit VR? and little endian? of a data set that begins with `head`, or None.

    PS3.5 section 7.1: tag, then (explicit) two letters of VR and a length, or (implicit) a length.
    """
    if len(head) < 16:
        return None
    for little, order in ((True, "<"), (False, ">")):
        group, element = struct.unpack_from(order + "HH", head)
        if group not in (0x0002, 0x0008) or element > 0x2FFF:
            continue
        if head[4:6] in _VALUE_REPRESENTATIONS:
            return False, little
        if little and struct.unpack_from("<L", head, 4)[0] <= 1024:
            return True, True
    return None


def _is_nifti(head: bytes) -> bool:
    # sizeof_hdr is 348 (NIfTI-1) or 540 (NIfTI-2); the magic of NIfTI-1 ends its header.
    size = head[:4]
    return (size in (b"\x5c\x01\0\0", b"\0\0\x01\x5c") and head[344:347] in (b"n+1", b"ni1")) or (
        size in (b"\x1c\x02\0\0", b"\0\0\x02\x1c") and head[4:7] in (b"n+2", b"ni2")
    )
