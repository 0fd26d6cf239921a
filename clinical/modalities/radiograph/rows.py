"""Images of a case from images.csv: those to be read, and those of an earlier visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from clinical.case.case import Problem
from clinical.case.shapes import Array, Arrays
from clinical.dicom.picture import Photometric
from clinical.tables import clock, pixels
from clinical.tables.case_rows import CaseRows, CaseTable, TimedRow, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row

TABLE = CaseTable(
    "images",
    Columns(("case_id", "path"), ("view", "time", "offset_days", "photometric", "role")),
    paths=True,
)

DEFAULT_SIDE = 384
"""Pixels of the side of the square that an encoder sees, unless a study says otherwise."""

IMAGE, PRIOR = "image", "prior_image"
ROLES = {"": IMAGE, "prior": PRIOR}
"""Value of `role` to input: the images to be read, and those of an earlier visit."""

LATERAL_VIEWS = {"LL", "RL", "LAT", "LATERAL"}
"""Values of `view` for side views, after DICOM View Position (0018,5101), PS3.3 C.8.11.5."""

PHOTOMETRIC: dict[str, Photometric | None] = {
    "": None,
    "MONOCHROME1": "MONOCHROME1",
    "MONOCHROME2": "MONOCHROME2",
}
"""Cell to what it says; empty means that the file says it, or MONOCHROME2 for PNG and JPEG."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def rows(case: CaseRows, watch: Clock, problems: list[Problem]) -> Mapping[str, Arrays]:
    """The images that can be read, the latest frontal one in front."""
    found = {
        name: _images(case, timed, watch, problems)
        for name, timed in _by_role(case, watch, problems).items()
    }
    return {name: Arrays(images) for name, images in found.items() if images}


def _by_role(case: CaseRows, watch: Clock, problems: list[Problem]) -> dict[str, list[TimedRow]]:
    """Input to the timely rows that may give it."""
    found: dict[str, list[TimedRow]] = {}
    for file, row, time in timely(case, TABLE.stem, watch, "time", problems):
        name = ROLES.get(row["role"].lower())
        if name is None:
            reason = "the cell is neither empty nor prior."
            remedy = "write prior for an image of an earlier visit, else nothing"
            problems.append(Problem(file, reason, row.number, "role", remedy))
        else:
            found.setdefault(name, []).append((file, row, time))
    return found


def _images(
    case: CaseRows, timed: list[TimedRow], watch: Clock, problems: list[Problem]
) -> tuple[Array, ...]:
    """Every image that can be read: frontal before lateral, later before earlier."""
    read: list[tuple[Array, datetime]] = []
    # Reversed first, so that of two equals the one further down the file is the later one.
    for file, row, time in reversed(timed):
        image = _one_image(case, row, Problem(file, "", row.number, "path"), watch)
        if isinstance(image, Problem):
            problems.append(image)
        elif any(image.digest == known.digest for known, _ in read):
            reason = "the image is the same as another one of the case; it is used once."
            remedy = "remove the row, or correct its path"
            problems.append(Problem(file, reason, row.number, "path", remedy))
        else:
            read.append((image, time or LONG_AGO))
    read.sort(key=lambda pair: (not _lateral(pair[0]), pair[1]), reverse=True)
    return tuple(image for image, _ in read)


def _lateral(image: Array) -> bool:
    return image.source.get("ViewPosition", "").upper() in LATERAL_VIEWS


def _one_image(case: CaseRows, row: Row, place: Problem, watch: Clock) -> Array | Problem:
    photometric = row["photometric"].upper()
    if photometric not in PHOTOMETRIC:
        reason, remedy = "the cell is not one of the two.", "write MONOCHROME1 or MONOCHROME2"
        return replace(place, column="photometric", reason=reason, remedy=remedy)
    found = pixels.load(
        case.root,
        place,
        row["path"],
        photometric=PHOTOMETRIC[photometric],
        patient_id=case.row["patient_id"],
    )
    if isinstance(found, Problem):
        return found
    acquired = clock.instant(found.source.get("acquired", ""), case.zone)
    if acquired and watch.decision and acquired > watch.decision:
        return replace(
            place,
            reason="the image says itself that it was acquired after the decision.",
            remedy="correct decision_time, or leave the image out",
        )
    if row["view"]:
        return replace(found, source={**found.source, "ViewPosition": row["view"]})
    return found
