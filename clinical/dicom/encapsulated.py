"""Encapsulated pixel data (PS3.5 annex A.4): one frame, in one fragment or in several."""

from __future__ import annotations

import re
from itertools import islice

from pydicom.encaps import generate_fragments, get_frame, parse_basic_offsets

from clinical.dicom.cells import Layout
from clinical.errors import ImageRefused, ImageUnreadable

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_BEGIN = re.compile(
    rb"\xff\xd8\xff|\xff\x4f\xff\x51|\0\0\0\x0cjP  |[\x01-\x0f]\0\0\0\x40\0\0\0", re.DOTALL
)
"""How a stream of JPEG and JPEG-LS, JPEG 2000 (bare or in JP2), and RLE begins."""

_NEXT_STREAM = re.compile(rb"\xff\xd9\0*\xff(?:\xd8\xff|\x4f\xff\x51)")

PIXELS_PER_BYTE = 16_384
"""More than this no codec makes of a radiograph; some blank pictures shrink further."""

_MOST = 100_000


def is_encapsulated(data: bytes) -> bool:
    """Whether `data` are items of fragments: first an item tag, and another one behind it."""
    if data[:4] != _ITEM:
        return False
    behind = 8 + int.from_bytes(data[4:8], "little")
    return data[behind : behind + 4] in (_ITEM, _DELIMITER)


def only_frame(data: bytes, layout: Layout) -> bytes:
    """The compressed stream of the only frame.

    Raises:
        ImageRefused: if there is more than one.
        ImageUnreadable: if it is far too short for the pixels that it claims.
        ValueError, struct.error: if there are no fragments.
    """
    fragments = list(islice(generate_fragments(data), _MOST))
    begun = sum(_BEGIN.match(fragment) is not None for fragment in fragments)
    frames = max(len(parse_basic_offsets(data)), begun)
    frame = bytes(get_frame(data, 0, number_of_frames=1))
    frames = max(frames, 1 + len(_NEXT_STREAM.findall(frame)))
    if frames > 1:
        raise ImageRefused(
            f"The pixel data hold {frames} frames; the header says one.",
            remedy="Give one uncoloured, single-frame projection image.",
        )
    if len(frame) * PIXELS_PER_BYTE < layout.rows * layout.columns:
        raise ImageUnreadable(
            f"The compressed pixel data have {len(frame):,} bytes, far too few for "
            f"{layout.rows} x {layout.columns} pixels.",
            remedy="Fetch the file again from its source; it may have been cut short.",
        )
    return frame
