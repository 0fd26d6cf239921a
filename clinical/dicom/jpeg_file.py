"""A JPEG file: baseline or progressive, grey or colour, and whole.

Decoders fill in what a cut or damaged file lacks. They are not asked whether it is whole: the scans
must say all that an image consists of, and run to their ends (`clinical.dicom.jpeg`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from imagecodecs import jpeg8_decode
from numpy.typing import NDArray

from clinical.dicom import jpeg, jpeg_unclipped
from clinical.dicom.jpeg_stream import (
    END,
    SOS,
    Frame,
    frame_of,
    parts_of,
    segments,
    start,
    with_tails,
)
from clinical.errors import ImageUnreadable

_PROGRESSIVE = 0xC2
_PROCESSES = (0xC0, 0xC1, _PROGRESSIVE)
_COEFFICIENTS = 64
_SHORT = 64
_LONGEST_RUN = 4
"""Bytes of the code for a run of blocks that have no more of their higher coefficients; of its last
bits not every change can be seen, as a longer run reaches beyond the image."""

_UNSENT = 14
"""More than the 13 bits by which a scan may leave a coefficient coarse."""


def check_whole(data: bytes) -> None:
    """Refuse a file that lacks something of its image, or has data left over.

    Raises:
        ImageUnreadable: if it is of a process that cannot be checked.
        ValueError, EOFError, RuntimeError: if it is not whole.
    """
    frame = frame_of(data)
    if frame.marker not in _PROCESSES or frame.components not in (1, 3) or 0 in frame.grid:
        raise ImageUnreadable(
            "The image is a JPEG of a rare kind, such as arithmetic coding.",
            remedy="Save it again as a baseline JPEG or a PNG, from its source.",
        )
    tried = jpeg_unclipped.variant(data)
    headers, parts, found = [], [], []
    position, marker = start(tried), SOS
    while marker != END:
        found = segments(tried, position)
        scan, position, marker = parts_of(tried, found[-1][2])
        headers.append(found[-1][1])
        parts.append(scan)
    _check_coefficients(headers, frame.components)
    pixels = jpeg8_decode(tried)
    jpeg.check_enough(tried, [part for scan in parts for part in scan], pixels)
    if len(parts) == 1 and frame.marker != _PROGRESSIVE:
        jpeg.check_ends(jpeg.stream_of(tried, frame, found, parts[0]), pixels)
    for header, scan in zip(headers, parts, strict=True) if len(parts) > 1 else ():
        if frame.components == 1 or not header[-1] >> 4:
            last = _last(frame, header)
            _check_scan(tried, scan, pixels, last)
    if tried is not data:
        jpeg_unclipped.check_range(data, pixels)


def _last(frame: Frame, header: bytes) -> int:
    """Bytes at the end of a scan of which a change must be seen; see `jpeg.check_ends`."""
    if frame.components > 1:
        return jpeg.LAST
    return _LONGEST_RUN if header[1 + 2 * header[0]] else 1


def _check_scan(
    data: bytes, scan: Sequence[tuple[int, int]], pixels: NDArray[Any], last: int
) -> None:
    """Another end of a scan must change pixels, as in `jpeg.check_ends`.

    Not asked of a scan that is hardly there at all, nor of one that refines colours.
    """
    if max(end - first for first, end in scan) <= _SHORT:
        return
    shorter = jpeg.without_padding(data, scan)
    for other in jpeg.OTHER:
        tried = with_tails(data, shorter, other, instead_of=last)
        if (jpeg8_decode(tried) != pixels).any():
            return
    raise ValueError("entropy-coded data are left over")


def _check_coefficients(headers: Iterable[bytes], components: int) -> None:
    """Every coefficient of every component to its last bit (T.81 B.2.3, G.1.1.1)."""
    coarse: dict[int, list[int]] = {}
    for header in headers:
        count = header[0]
        first, last, bits = header[1 + 2 * count : 4 + 2 * count]
        for component in header[1 : 1 + 2 * count : 2]:
            left = coarse.setdefault(component, [_UNSENT] * _COEFFICIENTS)
            left[first : last + 1] = [bits & 15] * (last + 1 - first)
    if len(coarse) != components or any(any(left) for left in coarse.values()):
        raise EOFError("a scan is missing")
