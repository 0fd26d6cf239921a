"""From which side a chest was taken, and which way round the picture is.

View Position (PS3.3 C.8.11.5, C.8.1.2), else View Code Sequence (PS3.16 CID 4010), else Patient
Orientation (C.7.6.1.1.1), else a word of the series' description.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from clinical.dicom import dataset
from clinical.dicom.picture import PARSER_ERRORS

_CODES = {
    "272479007": "PA",
    "R-10214": "PA",
    "R-40888": "PA",
    "399348003": "AP",
    "R-10206": "AP",
    "399033003": "FRONTAL",
    "R-10202": "FRONTAL",
    "399173006": "LL",
    "R-10236": "LL",
    "399198007": "RL",
    "R-10232": "RL",
    "399067008": "LATERAL",
    "R-102CD": "LATERAL",
    "399260004": "LATERAL",
    "R-10224": "LATERAL",
    "399352003": "LATERAL",
    "R-10228": "LATERAL",
    "399135007": "LAO",
    "R-10220": "LAO",
    "399356000": "RAO",
    "R-40985": "RAO",
    "399006002": "LPO",
    "R-10212": "LPO",
    "399038007": "RPO",
    "R-10210": "RPO",
    "399182000": "OBLIQUE",
    "R-102C1": "OBLIQUE",
    "399184004": "OBLIQUE",
    "R-10238": "OBLIQUE",
    "399236003": "OBLIQUE",
    "R-10234": "OBLIQUE",
}
"""SNOMED CT, and the SRT code that older files have, to a View Position."""

_WORDS = {"PA": "PA", "AP": "AP", "LAT": "LATERAL", "LATERAL": "LATERAL", "LL": "LL", "RL": "RL"}
_DESCRIPTIONS = ("SeriesDescription", "ProtocolName", "AcquisitionDeviceProcessingDescription")

_FRONTAL, _SIDE = {"PA", "AP", "FRONTAL"}, {"LL", "RL", "LATERAL", "LAT"}
_OPPOSITE = {"R": "L", "H": "F"}


@dataclass(frozen=True)
class View:
    """The view of an image.

    Attributes:
        position: of View Position, or in its words; "" where nothing tells.
        stated_by: keyword of the attribute that told.
        doubted_by: keyword of an attribute that tells the opposite, or "".
    """

    position: str
    stated_by: str
    doubted_by: str


def of(found: Dataset) -> View:
    """The view that `found` states."""
    told = [("ViewPosition", dataset.code(found, "ViewPosition"))]
    told += [("ViewCodeSequence", _coded(found)), ("PatientOrientation", _oriented(found))]
    told += [(keyword, _described(found, keyword)) for keyword in _DESCRIPTIONS]
    known = [(keyword, position) for keyword, position in told if position]
    if not known:
        return View("", "", "")
    keyword, position = known[0]
    doubts = [other for other, opposite in known[1:] if _contradict(position, opposite)]
    return View(position, keyword, doubts[0] if doubts else "")


def is_side(position: str) -> bool:
    """Whether a View Position is that of a side view."""
    return position in _SIDE


def _contradict(one: str, other: str) -> bool:
    return (one in _FRONTAL and other in _SIDE) or (one in _SIDE and other in _FRONTAL)


def _coded(found: Dataset) -> str:
    try:
        sequence = found.get("ViewCodeSequence")
        items = list(sequence) if isinstance(sequence, Sequence) else []
        return _CODES.get(str(items[0].get("CodeValue") or "").strip(), "") if items else ""
    except PARSER_ERRORS:
        return ""


def _oriented(found: Dataset) -> str:
    row, column = orientation(found)
    if row in "LR" and column in "HF" and row and column:
        return "FRONTAL"
    return "LATERAL" if row and column and {row, column} & set("AP") else ""


def _described(found: Dataset, keyword: str) -> str:
    try:
        text = str(found.get(keyword) or "").upper()
    except PARSER_ERRORS:
        return ""
    words = {_WORDS[word] for word in re.findall(r"[A-Z]+", text) if word in _WORDS}
    return words.pop() if len(words) == 1 else ""


def orientation(found: Dataset) -> tuple[str, str]:
    """First letters of Patient Orientation: where rows and columns lead; "" where it is unknown."""
    try:
        value = found.get("PatientOrientation")
        texts = [str(text).strip().upper() for text in value] if value else []
    except PARSER_ERRORS:
        return "", ""
    if len(texts) != 2 or not all(re.fullmatch(r"[LRAPHF]{1,3}", text) for text in texts):
        return "", ""
    return texts[0][0], texts[1][0]


@dataclass(frozen=True)
class Turn:
    """How to turn a frontal picture so that it faces its reader as films are hung (L\\F).

    Attributes:
        transposed: rows and columns change places, first of all.
        mirrored, upside_down: columns, rows then run backwards.
    """

    transposed: bool
    mirrored: bool
    upside_down: bool

    def __bool__(self) -> bool:
        return self.transposed or self.mirrored or self.upside_down

    def apply(self, values: NDArray[Any]) -> NDArray[Any]:
        """The picture, turned."""
        out = values.T if self.transposed else values
        out = out[:, ::-1] if self.mirrored else out
        return np.ascontiguousarray(out[::-1] if self.upside_down else out)

    def back(self, turned: NDArray[Any]) -> NDArray[Any]:
        """The picture as it was before `apply`."""
        out = turned[::-1] if self.upside_down else turned
        out = out[:, ::-1] if self.mirrored else out
        return np.ascontiguousarray(out.T if self.transposed else out)

    def point_back(
        self, point: tuple[float, float], rows: int, columns: int
    ) -> tuple[float, float]:
        """A column and row of the turned picture, in the picture as it was before `apply`.

        Args:
            point: column and row; the outer corner of the first pixel is (0, 0).
            rows, columns: of the turned picture.
        """
        column, row = point
        row = rows - row if self.upside_down else row
        column = columns - column if self.mirrored else column
        return (row, column) if self.transposed else (column, row)

    def words(self) -> str:
        """What was done, for a reader."""
        if self.mirrored and self.upside_down and not self.transposed:
            return "turned by half a turn"
        if self.transposed and self.mirrored != self.upside_down:
            return "turned by a quarter to the " + ("right" if self.mirrored else "left")
        done = [
            "rows and columns exchanged" if self.transposed else "",
            "mirrored left to right" if self.mirrored else "",
            "mirrored top to bottom" if self.upside_down else "",
        ]
        return ", ".join(part for part in done if part)


def turn_of(found: Dataset) -> Turn | None:
    """What brings the patient's right to the left of the picture and the head to the top.

    None where Patient Orientation does not say, or is not that of a frontal picture.
    """
    row, column = orientation(found)
    transposed = row in "HF" and column in "LR"
    if transposed:
        row, column = column, row
    if not row or row not in "LR" or column not in "HF":
        return None
    return Turn(transposed, row in _OPPOSITE, column in _OPPOSITE)
