"""What the worker returns for one file, and what it was asked to do. Frozen values."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clinical.case.shapes import Sex
from clinical.case.window import Window
from clinical.dicom.limits import Limits
from clinical.errors import ImageRefused, ImageUnreadable

Photometric = Literal["MONOCHROME1", "MONOCHROME2"]

PARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
    zlib.error,
)
"""What parsers and decoders raise on hostile input: seen, or documented, in pydicom, Pillow and
the codecs (RecursionError and NotImplementedError are RuntimeErrors; Pillow reports broken PNG
chunks as SyntaxError)."""


@dataclass(frozen=True)
class Request:
    """One file to read: see `clinical.dicom.read.read_image` and `recording.read_recording`.

    A "header" is asked for its attributes only (`clinical.dicom.attributes`), an "identity" for
    whose and which it is (`clinical.dicom.identity`), a "directory" for the files that it names
    (`clinical.dicom.directory`).
    """

    path: str
    photometric: Photometric | None
    expected_patient_id: str | None
    limits: Limits
    kind: Literal["image", "waveform", "header", "identity", "directory"] = "image"
    expected_sex: Sex | None = None
    expected_age_years: float | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """Canonical pixels before they become a `clinical.case.Array`.

    Attributes:
        values: float32, rows x columns, larger is brighter.
        spacing: mm between rows, mm between columns, or None.
        window: centre and width in the unit of `values`.
        source: see `clinical.dicom.read.read_image`.
        windows: every window and table of the file; see `clinical.dicom.window.of`.
    """

    values: NDArray[np.float32]
    spacing: tuple[float, float] | None
    window: tuple[float, float]
    source: Mapping[str, str]
    windows: tuple[Window, ...] = ()


def check_size(
    rows: int, columns: int, limits: Limits, *, frames: int = 1, samples: int = 1
) -> None:
    """Refuse a header that claims more than the limits, before anything is allocated.

    Raises:
        ImageUnreadable: if rows x columns x frames x samples is 0 or above `limits.pixels`.
        ImageRefused: if a side is longer than `limits.side`, or than `limits.aspect` times the
            other: whoever pads it to a square would need the square of its longer side.
    """
    total = rows * columns * frames * samples
    if min(rows, columns, frames, samples) < 1:
        raise ImageUnreadable(
            f"The header claims an image of {rows} x {columns} pixels.",
            remedy="Export the image again from its source.",
        )
    if total > limits.pixels:
        extra = f" x {frames} frames" if frames > 1 else ""
        extra += f" x {samples} samples" if samples > 1 else ""
        raise ImageUnreadable(
            f"The header claims {rows} x {columns} pixels{extra}, {total:,} in all; "
            f"the limit is {limits.pixels:,}.",
            remedy="Give one projection image of ordinary size, or raise Limits.pixels.",
        )
    if max(rows, columns) > min(limits.side, limits.aspect * min(rows, columns)):
        raise ImageRefused(
            f"The image has {rows:,} x {columns:,} pixels; no side of a radiograph is longer than "
            f"{limits.side:,}, or than {limits.aspect} times the other.",
            remedy="Give one projection image of ordinary shape.",
        )
