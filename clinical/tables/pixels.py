"""One image file of a cohort: only from inside its folder, only through the guarded reader."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from clinical.case.case import Problem
from clinical.case.shapes import Array, Sex
from clinical.dicom.picture import Photometric
from clinical.dicom.read import read_image
from clinical.errors import ImageError


def load(
    root: Path,
    place: Problem,
    path: str,
    *,
    photometric: Photometric | None = None,
    patient_id: str | None = None,
    sex: Sex | None = None,
    age_years: float | None = None,
) -> Array | Problem:
    """The canonical array of `root / path`.

    Args:
        root: folder of the cohort; nothing outside it is opened.
        place: file, row and column that named the image; a refusal is reported there.
        path: as the table writes it.
        photometric: for formats that do not say it, see `clinical.dicom.read.read_image`.
        patient_id: whose image a DICOM file has to be.
        sex, age_years: of the case; that a DICOM file states another is a warning.

    Returns:
        The image, or the `Problem` that kept it from being one. The path is not repeated in it,
        because file names are known to hold names.
    """
    if not path:
        return _at(place, "no image file is named.", "give a path below the cohort's folder")
    found = inside(root, path)
    if found is None:
        return _at(place, "the path leaves the cohort's folder.", "give a path below the folder")
    try:
        is_file = found.is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        return _at(place, "there is no such image file.", "add the file, or correct the path")
    try:
        return read_image(
            found,
            photometric=photometric,
            expected_patient_id=patient_id,
            expected_sex=sex,
            expected_age_years=age_years,
        )
    except ImageError as error:
        return _at(place, error.message, error.remedy or "export the image again")


def inside(root: Path, path: str) -> Path | None:
    """`root / path` without symbolic links, or None where that is not below `root`."""
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    if posix.is_absolute() or windows.anchor or ".." in (*posix.parts, *windows.parts):
        return None
    try:
        whole, found = root.resolve(), (root / path).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL in the name
        return None
    return found if found.is_relative_to(whole) else None


def _at(place: Problem, reason: str, remedy: str) -> Problem:
    return Problem(place.file, reason, place.row, place.column, remedy)
