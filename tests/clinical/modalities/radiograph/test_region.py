"""The strongest place of a heat map as a radiologist names it, and its box in source pixels."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.case.assessment import HeatMap
from clinical.case.sentences import Region, Whole
from clinical.case.shapes import Array, Arrays
from clinical.modalities.radiograph.region import mapped

DICOM = {"format": "DICOM", "ViewPosition": "PA"}
BOX = (0.0, -30.0, 300.0, 270.0)  # the film was padded to a square


def film(**source: str) -> Arrays:
    return Arrays((Array(np.zeros((300, 240), np.float32), source=DICOM | source),))


def heat(*cells: tuple[int, int, float], modality: str = "image") -> HeatMap:
    values = np.zeros((10, 10))
    for row, column, value in cells:
        values[row, column] = value
    return HeatMap(modality, tuple(map(tuple, values.tolist())), BOX)


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        ("the right lower zone of the film", [(6, 2, 1.0), (2, 7, 0.4)]),
        ("the left upper zone of the film", [(1, 7, 1.0)]),
        ("the left middle and lower zones of the film", [(5, 7, 1.0), (6, 7, 0.9)]),
        ("both lower zones of the film", [(6, 2, 1.0), (6, 7, 0.8)]),
        ("the right upper zone of the film", [(1, 2, 1.0), (6, 7, 0.8)]),
    ],
)
def test_zones_of_a_frontal_film(words: str, cells: list[tuple[int, int, float]]) -> None:
    assert mapped("image", film(), heat(*cells)).words == words


def test_the_box_lies_in_the_image_around_what_is_named() -> None:
    found = mapped("image", film(), heat((6, 0, 0.6), (6, 2, 1.0), (7, 2, 0.7), (1, 7, 0.9)))
    assert found.source == Region(
        "image", 0, (180.0, 0.0, 240.0, 60.0), "the right lower zone of the film"
    )
    assert found.without == "the film"


def test_a_film_that_does_not_say_which_side_is_which_has_sides_of_the_picture() -> None:
    found = mapped("image", film(format="PNG"), heat((6, 2, 1.0)))
    assert found.words == "the lower zone of the film"
    assert found.facts == ("on the left of the picture", "orientation not stated in the file")
    both = mapped("image", film(format="PNG"), heat((6, 2, 1.0), (6, 7, 0.8)))
    assert (both.words, both.facts) == ("both lower zones of the film", ())


def test_a_lateral_film_has_no_sides_and_an_earlier_one_is_called_so() -> None:
    lateral = film(ViewPosition="LATERAL")
    assert mapped("image", lateral, heat((6, 2, 1.0))).words == (
        "the lower third of the lateral film"
    )
    earlier = mapped("prior_image", film(), heat((6, 2, 1.0), modality="prior_image"))
    assert earlier.words == "the right lower zone of the earlier film"


def test_what_lies_between_the_sides_is_the_centre() -> None:
    wide = HeatMap("image", ((0.0, 1.0, 0.0),) * 3, (0.0, 0.0, 300.0, 240.0))
    assert mapped("image", film(), wide).words == "the centre of the film"
    low = HeatMap("image", ((0.0,) * 3, (0.0,) * 3, (0.0, 1.0, 0.0)), (0.0, 0.0, 300.0, 240.0))
    assert mapped("image", film(), low).words == "the lower centre of the film"


def test_a_map_without_relevance_names_the_film() -> None:
    assert mapped("image", film(), heat()).source == Whole("image")
