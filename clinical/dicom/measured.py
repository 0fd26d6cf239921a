"""What readers measured on films, as measurement groups of a structured report (TID 1501).

Points are given as the film is stored. What a millimetre is stands beside each number: on a film
without calibration it is that of the detector, where the shadow is larger than the patient.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset

from clinical.case.reading import Mark, Number
from clinical.dicom import content
from clinical.dicom.content import Concept
from clinical.dicom.derived import reference
from clinical.dicom.film import Film
from clinical.dicom.write import derived_uid

OBSERVER_TYPE: Concept = ("121005", "DCM", "Observer Type")

_NAMES: Final[Mapping[str, Concept]] = {
    "length": ("410668003", "SCT", "Length"),
    "angle": ("1483009", "SCT", "Angle"),
    "area": ("42798000", "SCT", "Area"),
}
_UNITS: Final[Mapping[str, Concept]] = {
    "mm": ("mm", "UCUM", "millimeter"),
    "mm2": ("mm2", "UCUM", "square millimeter"),
    "deg": ("deg", "UCUM", "degree"),
    "{pixels}": ("{pixels}", "UCUM", "pixels"),
    "{pixels}2": ("{square_pixels}", "UCUM", "square pixels"),
}
_SOURCE: Concept = ("121112", "DCM", "Source of Measurement")


def measured(marks: Iterable[Mark], films: tuple[Film, ...]) -> Iterator[Dataset]:
    """A group for each mark with numbers on one of the films."""
    known = {film.instance: film for film in films}
    for mark in marks:
        numbers = [one for one in mark.numbers if one.name in _NAMES and one.unit in _UNITS]
        if numbers and (film := known.get(mark.instance)):
            yield _group(mark, numbers, film)


def observer(name: str) -> Iterator[Dataset]:
    """TID 1002 and 1003, a person."""
    yield content.code("HAS OBS CONTEXT", OBSERVER_TYPE, ("121006", "DCM", "Person"))
    yield content.person("HAS OBS CONTEXT", ("121008", "DCM", "Person Observer Name"), name)


def _group(mark: Mark, numbers: list[Number], film: Film) -> Dataset:
    places = ",".join(f"{column:g} {row:g}" for column, row in mark.points)
    items = [
        content.text(
            "HAS OBS CONTEXT", ("112039", "DCM", "Tracking Identifier"), f"{mark.kind} of a reader"
        ),
        content.uid(
            "HAS OBS CONTEXT",
            ("112040", "DCM", "Tracking Unique Identifier"),
            derived_uid("mark", film.instance, mark.kind, places, mark.reader),
        ),
    ]
    items += observer(mark.reader)
    items += [_number(one, mark, film) for one in numbers]
    if mark.scale:
        items.append(content.text("CONTAINS", ("121106", "DCM", "Comment"), mark.scale))
    return content.container(("125007", "DCM", "Measurement Group"), items, template="1501")


def _number(one: Number, mark: Mark, film: Film) -> Dataset:
    made = content.number(_NAMES[one.name], one.value, _UNITS[one.unit])
    where = content.region(_SOURCE, "POLYLINE", _outline(mark, film), reference(film))
    return content.observed(content.within(made, [where]), datetime.fromisoformat(mark.recorded))


def _outline(mark: Mark, film: Film) -> Iterator[tuple[float, float]]:
    """The points as stored; a rectangle is drawn around and closed."""
    points = list(mark.points)
    if mark.kind == "rectangle":
        (left, top), (right, bottom) = points
        points = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for point in points:
        yield film.stored_point(point)
