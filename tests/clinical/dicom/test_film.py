"""What objects repeat of the header of their film: well formed, in Unicode, or left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataelem import DataElement

from clinical.dicom.film import film_of, films_in
from clinical.errors import ImageRefused, ImageUnreadable

UIDS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.1"}
PIXELS = np.zeros((4, 6), np.uint16)


@pytest.fixture
def write(write_dicom: Any) -> Any:
    """Writes a film that names its study and series; `attributes` replace or add to the rest."""

    def made(**attributes: Any) -> Path:
        path: Path = write_dicom(PIXELS, **{**UIDS, **attributes})
        return path

    return made


def test_names_become_unicode_whatever_the_character_set(write: Any) -> None:
    latin = DataElement("PatientName", "PN", "Müller^Jörg".encode("latin-1"))
    film = film_of(write(SpecificCharacterSet="ISO_IR 100", PatientName=latin))
    assert film.subject.name == "Müller^Jörg"
    assert film.header.SpecificCharacterSet == "ISO_IR 192"


def test_whom_the_film_is_of(write: Any) -> None:
    film = film_of(
        write(
            PatientID="MRN-7",
            IssuerOfPatientID="CLINIC",
            PatientBirthDate="19531224",
            PatientSex="F",
            AccessionNumber="ACC-1",
        )
    )
    subject = film.subject
    assert (subject.patient_id, subject.issuer, subject.known) == ("MRN-7", "CLINIC", True)
    assert (subject.birth_date, subject.sex) == ("19531224", "F")
    assert (subject.accession, subject.study) == ("ACC-1", "1.2.3")


def odd(keyword: str, vr: str, value: str) -> DataElement:
    return DataElement(keyword, vr, value, validation_mode=0)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("PatientBirthDate", "DA", "1953-12-24"),
        ("PatientSex", "CS", "W"),
        ("StudyTime", "TM", "noon"),
        ("StudyDate", "DA", "yesterday"),
        ("AccessionNumber", "SH", "a number of more than sixteen"),
        ("PatientID", "LO", "x" * 65),
        ("StudyID", "SH", "bell\x07"),
    ],
)
def test_what_is_not_well_formed_is_left_empty(
    write: Any, keyword: str, vr: str, value: str
) -> None:
    film = film_of(write(**{keyword: odd(keyword, vr, value)}))
    assert film.header[keyword].value in ("", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"StudyInstanceUID": ""},
        {"SeriesInstanceUID": odd("SeriesInstanceUID", "UI", "1..2")},
        {"Rows": 0},
    ],
    ids=["no study", "no UID", "no rows"],
)
def test_a_film_that_does_not_say_which_one_it_is_is_refused(
    write: Any, changes: dict[str, Any]
) -> None:
    with pytest.raises(ImageRefused, match="does not say which film"):
        film_of(write(**changes))


def test_what_is_no_film_is_refused_without_a_word_of_it(tmp_path: Path) -> None:
    path = tmp_path / "Doe^Jane.txt"
    with pytest.raises(ImageUnreadable) as missing:
        film_of(path)
    path.write_text("Doe^Jane, MRN-7", encoding="utf-8")
    with pytest.raises(ImageUnreadable) as broken:
        film_of(path)
    for error in (missing, broken):
        assert "Doe" not in str(error.value)
        assert "MRN" not in str(error.value)


def test_films_are_found_by_their_uid_under_any_name(write: Any, tmp_path: Path) -> None:
    archive = tmp_path / "archive" / "2025"
    archive.mkdir(parents=True)
    (archive / "notes.txt").write_text("1.2.3.4 is no film", encoding="utf-8")
    write(SOPInstanceUID="1.2.3.4").rename(archive / "a")
    write(SOPInstanceUID="1.2.3.40").rename(archive / "b")
    found = films_in((tmp_path / "archive",), frozenset({"1.2.3.4"}))
    assert found == {"1.2.3.4": archive / "a"}
    assert films_in((archive / "b",), frozenset({"1.2.3.40", "9.9"})) == {"1.2.3.40": archive / "b"}
    assert films_in((), frozenset({"1.2.3.4"})) == {}


@pytest.mark.parametrize("orientation", [["L", "F"], ["R", "F"], ["L", "H"], ["F", "L"]])
def test_a_turn_and_back_is_as_it_was(write: Any, orientation: list[str]) -> None:
    film = film_of(write(PatientOrientation=orientation))
    stored = np.arange(24).reshape(4, 6)
    if film.turn is None:
        assert orientation == ["L", "F"]
        return
    hung = film.turn.apply(stored)
    assert np.array_equal(film.turn.back(hung), stored)
    for row, column in np.ndindex(hung.shape):  # the middle of each pixel
        x, y = film.stored_point((column + 0.5, row + 0.5))
        assert stored[int(y), int(x)] == hung[row, column]
