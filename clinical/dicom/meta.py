"""What a DICOM file begins with: preamble and file meta information (PS3.10 section 7.1)."""

from __future__ import annotations

import struct

from clinical.dicom.write import derived_uid

IMPLEMENTATION = derived_uid("triptych", "receiver")
"""Implementation Class UID; of no version, so that an object sent again gives the same bytes."""


def written(sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """The bytes before the data set of an object as it was received."""
    uids = {
        0x0002: sop_class,
        0x0003: sop_instance,
        0x0010: transfer_syntax,
        0x0012: IMPLEMENTATION,
    }
    version = struct.pack("<HH2sHL", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1"
    group = version + b"".join(_uid(element, text) for element, text in uids.items())
    length = struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(group))
    return bytes(128) + b"DICM" + length + group


def _uid(element: int, text: str) -> bytes:
    value = text.encode("ascii", "replace")[:64]
    value += bytes(len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, b"UI", len(value)) + value
