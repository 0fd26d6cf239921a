"""Radiographs: one or more images of the chest, the latest frontal one in front."""

from __future__ import annotations

from clinical.case.shapes import Arrays
from clinical.modalities.kit import Kit
from clinical.modalities.radiograph import picture, region, rows


def _stored_apart(value: Arrays) -> None:  # noqa: ARG001
    return None


def _never() -> Arrays:
    raise ValueError("an image has no stand-in")


KIT = Kit(
    name="radiograph",
    letter="I",
    order=10,
    shape=Arrays,
    inputs=(rows.IMAGE, rows.PRIOR),
    summary=_stored_apart,
    stand_in=_never,
    table=rows.TABLE,
    rows=rows.rows,
    noun="film",
    part="no place on",
    mapped=region.mapped,
    pictures=picture.pictures,
    thumbnail=picture.thumbnail,
)
