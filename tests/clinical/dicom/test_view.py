"""Which way round a picture is, and from which side: what the header says is done and said."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from clinical.dicom.read import read_image

WriteDicom = Callable[..., Path]

# As films are hung: the patient's right at the left of the picture, the head at the top (L\F).
FILM = np.arange(12, dtype="<u2").reshape(4, 3)


def taken(row: str, column: str) -> np.ndarray:
    """FILM as a device stores it whose rows lead to `row`, and whose columns to `column`."""
    film = FILM
    if row in "HF":
        film = film.T
    across, down = ("F", "L") if row in "HF" else ("L", "F")
    film = film if row == across else film[:, ::-1]
    return film if column == down else film[::-1]


ORIENTATIONS = [*product("LR", "HF"), *product("HF", "LR")]


@pytest.mark.parametrize(("row", "column"), ORIENTATIONS)
def test_a_frontal_film_is_turned_to_face_its_reader(
    write_dicom: WriteDicom, row: str, column: str
) -> None:
    path = write_dicom(
        np.ascontiguousarray(taken(row, column)),
        PatientOrientation=[row, column],
        PixelSpacing=[0.2, 0.3],
        ViewPosition="PA",
    )
    image = read_image(path)
    np.testing.assert_array_equal(image.values, FILM)
    assert image.spacing == ((0.3, 0.2) if row in "HF" else (0.2, 0.3))
    assert ("turned" in image.source) == ((row, column) != ("L", "F"))
    assert "orientation" not in image.source


@pytest.mark.parametrize(
    ("orientation", "words"),
    [
        (["R", "F"], "mirrored left to right, by Patient Orientation"),
        (["L", "H"], "mirrored top to bottom, by Patient Orientation"),
        (["R", "H"], "turned by half a turn, by Patient Orientation"),
        (["H", "L"], "turned by a quarter to the left, by Patient Orientation"),
        (["F", "R"], "turned by a quarter to the right, by Patient Orientation"),
        (["RA", "FA"], "mirrored left to right, by Patient Orientation"),
    ],
)
def test_what_was_done_is_said(write_dicom: WriteDicom, orientation: list[str], words: str) -> None:
    path = write_dicom(PatientOrientation=orientation)
    assert read_image(path).source["turned"] == words


def test_what_was_done_is_a_quarter_turn() -> None:
    np.testing.assert_array_equal(np.rot90(taken("F", "R"), -1), FILM)
    np.testing.assert_array_equal(np.rot90(taken("H", "L")), FILM)


def test_an_orientation_that_nobody_states_is_marked(write_dicom: WriteDicom) -> None:
    assert read_image(write_dicom()).source["orientation"] == "unknown"


@pytest.mark.parametrize("orientation", [["A", "F"], ["P", "H"]])
def test_a_side_view_stays_as_it_is(write_dicom: WriteDicom, orientation: list[str]) -> None:
    image = read_image(write_dicom(FILM, PatientOrientation=orientation))
    np.testing.assert_array_equal(image.values, FILM)
    assert image.source["ViewPosition"] == "LATERAL"
    assert image.source["view_from"] == "PatientOrientation"


def test_a_film_whose_view_is_in_doubt_stays_as_it_is(write_dicom: WriteDicom) -> None:
    image = read_image(write_dicom(FILM, PatientOrientation=["R", "F"], ViewPosition="LL"))
    np.testing.assert_array_equal(image.values, FILM)
    assert image.source["view_doubted_by"] == "PatientOrientation"


@pytest.mark.parametrize(
    ("description", "position"),
    [("CHEST LAT", "LATERAL"), ("Thorax pa", "PA"), ("CHEST PA AND LAT", None), ("Chest", None)],
)
def test_the_words_of_a_description_tell_where_nothing_else_does(
    write_dicom: WriteDicom, description: str, position: str | None
) -> None:
    image = read_image(write_dicom(SeriesDescription=description))
    assert image.source.get("ViewPosition") == position
