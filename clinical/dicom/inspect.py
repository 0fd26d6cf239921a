"""How one image file is understood: what decided, and what came of it, or why it is refused."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clinical.case.shapes import Array
from clinical.dicom import reader
from clinical.dicom.limits import DEFAULT_LIMITS
from clinical.dicom.picture import Photometric, Request
from clinical.dicom.read import read_image
from clinical.errors import ImageError


@dataclass(frozen=True, eq=False)
class Understood:
    """One file.

    Attributes:
        attributes: name and value of each attribute that decides, as the file writes them.
        image: what was read, or None.
        refusal: why nothing was, or None.
    """

    attributes: tuple[tuple[str, str], ...]
    image: Array | None
    refusal: ImageError | None


def inspect(path: Path, photometric: Photometric | None = None) -> Understood:
    """Read `path` as `read_image` does, and keep what its header says."""
    told: tuple[tuple[str, str], ...] = ()
    try:
        told = header(path, photometric)
        return Understood(told, read_image(path, photometric=photometric), None)
    except ImageError as error:
        return Understood(told, None, error)


def header(path: Path, photometric: Photometric | None = None) -> tuple[tuple[str, str], ...]:
    """Name and value of each attribute that decides; no pixel is decoded.

    Raises:
        ImageError: if the file is no image that could be read.
    """
    request = Request(os.fspath(path.absolute()), photometric, None, DEFAULT_LIMITS, "header")
    answer, _ = reader.ask(request)
    return tuple((name, value) for name, value in answer["attributes"])
