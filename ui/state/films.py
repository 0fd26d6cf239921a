"""The images of a case that the viewer shows, by the names under which a reader chooses them."""

from __future__ import annotations

from dataclasses import dataclass

from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.modalities.kit import read_by

SHOWN = "radiograph"


@dataclass(frozen=True)
class Film:
    """One image: name of its input, its number there, and the image."""

    modality: str
    item: int
    array: Array


def films(case: Case) -> dict[str, Film]:
    """Name to image; the first of an input goes by the input's name, the next is "image 2"."""
    return {
        f"{name} {item + 1}" if item else name: Film(name, item, array)
        for kit, name, value in read_by(case)
        if kit.name == SHOWN
        for item, array in enumerate(value.arrays)
    }
