"""The film that objects are made of: what they have to repeat of its header, and what to point at.

The workspace keeps pixels and pseudonyms, and no header. An object for an archive has to name the
patient, study and series of its film as the archive knows them, so the film itself is asked, from
its file. Of its header only what is listed here is taken over, and only where it is well formed:
what is made of it must be valid whatever the film was.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import UID

from clinical.case.reading import Subject
from clinical.dicom import dataset, provenance
from clinical.dicom.limits import DEFAULT_LIMITS, Limits
from clinical.dicom.picture import PARSER_ERRORS
from clinical.dicom.view import Turn, turn_of
from clinical.dicom.write import derived_uid
from clinical.errors import ImageRefused, ImageUnreadable

# PS3.5 6.2: what a value of each representation may be; what is not is left out.
_FORMS = {
    "AS": r"\d{3}[DWMY]",
    "DA": r"\d{8}",
    "TM": r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?",
    "CS": r"[A-Z0-9 _]{1,16}",
    "SH": r"[^\\\x00-\x1f\x7f]{1,16}",
    "LO": r"[^\\\x00-\x1f\x7f]{1,64}",
    "PN": r"[^\\\x00-\x1f\x7f]{1,194}",
}
_NEEDED = {
    "PatientName": "PN",
    "PatientID": "LO",
    "PatientBirthDate": "DA",
    "PatientSex": "CS",
    "StudyDate": "DA",
    "StudyTime": "TM",
    "ReferringPhysicianName": "PN",
    "StudyID": "SH",
    "AccessionNumber": "SH",
}
"""Of type 2 in Patient and General Study (PS3.3 C.7.1.1, C.7.2.1): empty where it is not known."""
_KEPT = {"IssuerOfPatientID": "LO", "PatientAge": "AS", "StudyDescription": "LO"}
"""Of type 3: left out where it is not known."""
_UIDS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")

_HEAD = 2**16
_EXPORT = "Export the film again from its archive."


@dataclass(frozen=True, eq=False)
class Film:
    """One film in an archive.

    Attributes:
        header: what objects repeat of its patient and study, and the four UIDs that name it; text
            is Unicode.
        rows, columns: of the stored pixels.
        turn: what was done to the stored pixels to hang the film for its readers, or None.
        spacing: mm between rows and between columns of the stored pixels, or None.
        frame_of_reference: UID of the film's plane. Whatever frame its header may state is of the
            machine; where the film lies in that is not known.
        orientation: Patient Orientation of the stored pixels, or () where it is not stated.
    """

    header: Dataset
    rows: int
    columns: int
    turn: Turn | None
    spacing: tuple[float, float] | None
    frame_of_reference: str
    orientation: tuple[str, ...]

    @property
    def instance(self) -> str:
        """SOP Instance UID."""
        return str(self.header.SOPInstanceUID)

    @property
    def study(self) -> str:
        """Study Instance UID."""
        return str(self.header.StudyInstanceUID)

    @property
    def subject(self) -> Subject:
        """Whom the film is of, as its archive names them."""
        patient_id, issuer, name, born, sex, accession = (
            str(self.header.get(keyword) or "")
            for keyword in (
                "PatientID",
                "IssuerOfPatientID",
                "PatientName",
                "PatientBirthDate",
                "PatientSex",
                "AccessionNumber",
            )
        )
        return Subject(patient_id, True, issuer, name, born, sex, accession, self.study)

    def stored_point(self, point: tuple[float, float]) -> tuple[float, float]:
        """A column and row of the film as it is hung, in its stored pixels."""
        if self.turn is None:
            return point
        rows, columns = self.rows, self.columns
        if self.turn.transposed:
            rows, columns = columns, rows
        return self.turn.point_back(point, rows, columns)


def film_of(path: Path, *, limits: Limits = DEFAULT_LIMITS) -> Film:
    """What the objects of a film need to know of it.

    Raises:
        ImageRefused: if it is no DICOM image, or its UIDs are missing or invalid.
        ImageUnreadable: if it cannot be read at all. Neither error's text holds the path or
            anything from the file.
    """
    with disable_value_validation():  # its warnings quote what they are about
        return _film(_parsed(path, limits))


def _film(found: Dataset) -> Film:
    uids = {keyword: dataset.code(found, keyword) for keyword in _UIDS}
    rows, columns = (dataset.number(found, keyword) for keyword in ("Rows", "Columns"))
    if not all(UID(uid).is_valid and uid for uid in uids.values()) or not (rows and columns):
        raise ImageRefused(
            "The header does not say which film of which study it is.", remedy=_EXPORT
        )
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    for keyword, uid in uids.items():
        setattr(header, keyword, uid)
    for keyword, form in _NEEDED.items():
        setattr(header, keyword, _text(found, keyword, form))
    for keyword, form in _KEPT.items():
        if text := _text(found, keyword, form):
            setattr(header, keyword, text)
    if header.PatientSex not in ("M", "F", "O"):
        header.PatientSex = ""
    spacing, _ = provenance.spacing(found)
    return Film(
        header,
        int(rows),
        int(columns),
        turn_of(found) or None,
        spacing,
        derived_uid("frame of reference", *uids.values()),
        tuple(code for code in dataset.codes(found, "PatientOrientation") if code),
    )


def films_in(places: tuple[Path, ...], wanted: frozenset[str]) -> dict[str, Path]:
    """SOP Instance UID to file, of the films that are wanted and found; what is no film is passed.

    Args:
        places: files, and folders that are searched through.
        wanted: SOP Instance UIDs.
    """
    found: dict[str, Path] = {}
    for path in _files(places):
        if len(found) == len(wanted):
            break
        if not _names(path, wanted):
            continue
        try:
            with disable_value_validation():
                instance = dataset.code(_parsed(path, DEFAULT_LIMITS), "SOPInstanceUID")
        except (ImageUnreadable, ImageRefused):
            continue
        if instance in wanted:
            found.setdefault(instance, path)
    return found


def _names(path: Path, wanted: frozenset[str]) -> bool:
    """Whether one of the UIDs stands in the beginning of the file: most files need no parsing."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return any(uid.encode() in head for uid in wanted)


def _files(places: tuple[Path, ...]) -> list[Path]:
    files: list[Path] = []
    for place in places:
        if place.is_dir():
            for folder, _, names in os.walk(place):
                files += [Path(folder, name) for name in sorted(names)]
        elif place.is_file():
            files.append(place)
    return files


def _parsed(path: Path, limits: Limits) -> Dataset:
    try:
        if path.stat().st_size > limits.file_bytes:
            raise ImageUnreadable("The file is too large.", remedy="Give the film alone.")
        data = path.read_bytes()
    except OSError as error:
        raise ImageUnreadable(
            f"The film cannot be opened ({type(error).__name__}).",
            remedy="Check its path and rights.",
        ) from None
    return dataset.parse(data, limits)[0]


def _text(found: Dataset, keyword: str, form: str) -> str:
    try:
        text = str(found.get(keyword) or "").strip(" \0")
    except PARSER_ERRORS:
        return ""
    return text if re.fullmatch(_FORMS[form], text) else ""
