"""Images of a case from images.csv: those to be read, and those of an earlier visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from clinical.case.case import Problem
from clinical.case.shapes import Array, Arrays
from clinical.dicom.picture import Photometric
from clinical.modalities.radiograph import doubts
from clinical.modalities.radiograph.views import view_of
from clinical.tables import clock, pixels
from clinical.tables.case_rows import CaseRows, CaseTable, TimedRow, timely
from clinical.tables.clock import Clock
from clinical.tables.table import Columns, Row

TABLE = CaseTable(
    "images",
    Columns(
        ("case_id", "path"),
        ("view", "time", "offset_days", "photometric", "role", "dicom_patient_id"),
    ),
    paths=True,
)

DEFAULT_SIDE = 384
"""Pixels of the side of the square that an encoder sees, unless a study says otherwise."""

IMAGE, PRIOR = "image", "prior_image"
ROLES = {"": IMAGE, "prior": PRIOR}
"""Value of `role` to input: the images to be read, and those of an earlier visit."""

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
    """Every image that can be read: frontal before others, later before earlier."""
    read: list[_Found] = []
    # Reversed first, so that of two equals the one further down the file is the later one.
    for file, row, time in reversed(timed):
        place = Problem(file, "", row.number, "path")
        image = _one_image(case, row, place, watch)
        if isinstance(image, Problem):
            problems.append(image)
        elif any(image.digest == known.image.digest for known in read):
            reason = "the image is the same as another one of the case; it is used once."
            remedy = "remove the row, or correct its path"
            problems.append(Problem(file, reason, row.number, "path", remedy))
        else:
            problems.extend(doubts.of(image, row["view"], place, watch, time))
            taken = time or watch.made(image.source) or LONG_AGO
            rank = _rank(image, row["view"])
            read.append(_Found(_named(image, row["view"]), rank, taken, place))
    read.sort(key=lambda found: (found.rank, found.time), reverse=True)
    if read and read[0].rank == 0:
        reason = "no image of the case is known to be frontal; this one is read as if it were."
        remedy = "add a frontal image, or correct the view"
        problems.append(replace(read[0].place, column="view", reason=reason, remedy=remedy))
    return tuple(found.image for found in read)


class _Found(NamedTuple):
    """An image, the rank of its view, when it was taken, and its row."""

    image: Array
    rank: int
    time: datetime
    place: Problem


def _rank(image: Array, word: str) -> int:
    """2 for a frontal image, 1 where nobody says what it is, 0 for any other."""
    said = [text for text in (word, image.source.get("ViewPosition", "")) if text]
    if not said:
        return 1
    doubted = "view_doubted_by" in image.source and not word
    return 2 if not doubted and all(view_of(text) == "frontal" for text in said) else 0


def _named(image: Array, word: str) -> Array:
    """With the view that the table says, if it says one."""
    if not word:
        return image
    told = {key: text for key, text in image.source.items() if key != "view_from"}
    return replace(image, source={**told, "ViewPosition": word})


def _one_image(case: CaseRows, row: Row, place: Problem, watch: Clock) -> Array | Problem:
    photometric = row["photometric"].upper()
    if photometric not in PHOTOMETRIC:
        reason, remedy = "the cell is not one of the two.", "write MONOCHROME1 or MONOCHROME2"
        return replace(place, column="photometric", reason=reason, remedy=remedy)
    # The patient was younger when an image of an earlier visit was taken.
    prior = ROLES.get(row["role"].lower()) == PRIOR
    found = pixels.load(
        case.root,
        place,
        row["path"],
        photometric=PHOTOMETRIC[photometric],
        patient_id=row["dicom_patient_id"] or case.row["patient_id"],
        sex=case.sex,
        age_years=None if prior else case.age_years,
    )
    if isinstance(found, Problem):
        return found
    why = watch.unplaced(found.source)
    if why:
        return replace(place, reason=why, remedy=clock.ZONE_REMEDY)
    made = watch.made(found.source)
    if made and watch.decision and made > watch.decision:
        by = found.source.get("latest_date_from", "")
        what = (
            f"was made after the decision, by its {by}."
            if by
            else ("was acquired after the decision.")
        )
        return replace(
            place,
            reason=f"the image says itself that it {what}",
            remedy="correct decision_time, or leave the image out",
        )
    return found
