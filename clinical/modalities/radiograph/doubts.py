"""What is doubtful about an image that is used all the same: reported, one problem each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from clinical.case.case import Problem
from clinical.case.shapes import Array
from clinical.modalities.radiograph.views import view_of
from clinical.tables.clock import Clock

PROJECTIONS = {"CR", "DX", "DR", "RG", "OT", "SC", "X-RAY"}
"""Values of Modality (0008,0060) that a chest radiograph may have."""

CHEST = ("CHEST", "THORA", "TORAX", "LUNG", "CXR", "THX", "PULM")
"""Parts of a Body Part Examined (0018,0015) that is the chest."""


def of(
    image: Array, word: str, place: Problem, watch: Clock, time: datetime | None
) -> Iterator[Problem]:
    """Each doubt about an image.

    Args:
        image: as it was read.
        word: for its view, as the table has it.
        place: of its row.
        watch: of the case.
        time: that the table gives.
    """
    for warning in image.source.get("warnings", "").splitlines():
        yield replace(place, reason=warning, remedy="check the image with its source")
    yield from _of_kind(image, place)
    yield from _of_view(image, word, replace(place, column="view"))
    yield from _of_time(image, place, watch, time)


def _of_kind(image: Array, place: Problem) -> Iterator[Problem]:
    modality = image.source.get("Modality", "").upper()
    if modality and modality not in PROJECTIONS:
        yield replace(
            place,
            reason=f"the image is no radiograph, but {modality}, says its Modality.",
            remedy="give a chest radiograph, or correct the header",
        )
    part = image.source.get("BodyPartExamined", "").upper()
    if part and not any(word in part for word in CHEST):
        yield replace(
            place,
            reason=f"the image is not of the chest, but of {part}, says Body Part Examined.",
            remedy="give a chest radiograph, or correct the header",
        )


def _of_view(image: Array, word: str, place: Problem) -> Iterator[Problem]:
    stated = image.source.get("ViewPosition", "")
    if word and view_of(word) is None:
        reason = "the word is not known as a view; the image is not taken for a frontal one."
        yield replace(place, reason=reason, remedy="write PA, AP or LATERAL")
    elif not word and stated and view_of(stated) is None:
        yield replace(
            place,
            reason="the file states a view that is not known; it is not taken for a frontal one.",
            remedy="write PA, AP or LATERAL in the column view",
        )
    elif word and stated and view_of(stated) not in (None, view_of(word)):
        reason = "the table and the file state different views; the image is not taken for frontal."
        yield replace(place, reason=reason, remedy="correct the one that is wrong")
    elif not word and not stated:
        reason = "nobody says whether the image is a frontal one."
        yield replace(place, reason=reason, remedy="write PA, AP or LATERAL in the column view")


def _of_time(
    image: Array, place: Problem, watch: Clock, time: datetime | None
) -> Iterator[Problem]:
    reason = "" if time is not None else watch.doubt(image.source, "image")
    if reason:
        yield replace(place, column="time", reason=reason, remedy="fill in the column time")
