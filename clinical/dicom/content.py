"""Content items of a structured report (PS3.3 C.17.3), each a data set to nest in another."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydicom.dataset import Dataset

from clinical.dicom.derived import coded

Relation = Literal["CONTAINS", "HAS OBS CONTEXT", "HAS CONCEPT MOD", "INFERRED FROM"]
Shape = Literal["POINT", "POLYLINE"]
Concept = tuple[str, str, str]
"""Code value, coding scheme designator, code meaning."""

NO_UNITS: Concept = ("1", "UCUM", "no units")

_LONGEST_NAME = 64


def container(
    concept: Concept, items: Iterable[Dataset], *, template: str = "", root: bool = False
) -> Dataset:
    """A container; `template` is the identifier of its template in PS3.16."""
    made = _item(None if root else "CONTAINS", "CONTAINER", concept)
    made.ContinuityOfContent = "SEPARATE"
    if template:
        told = Dataset()
        told.MappingResource, told.TemplateIdentifier = "DCMR", template
        made.ContentTemplateSequence = [told]
    return within(made, items)


def text(relation: Relation, concept: Concept, value: str) -> Dataset:
    """Words; line ends and other controls that a UT may not hold become spaces."""
    made = _item(relation, "TEXT", concept)
    made.TextValue = "".join(c if c.isprintable() else " " for c in value)
    return made


def code(relation: Relation, concept: Concept, value: Concept) -> Dataset:
    """A code."""
    made = _item(relation, "CODE", concept)
    made.ConceptCodeSequence = [coded(*value)]
    return made


def uid(relation: Relation, concept: Concept, value: str) -> Dataset:
    """A unique identifier."""
    made = _item(relation, "UIDREF", concept)
    made.UID = value
    return made


def person(relation: Relation, concept: Concept, account: str) -> Dataset:
    """The name of an account as a person's name."""
    made = _item(relation, "PNAME", concept)
    made.PersonName = person_name(account)
    return made


def person_name(account: str) -> str:
    """An account's name as a family name (PS3.5 6.2.1), its end marked; at most 64 characters."""
    plain = "".join(" " if c in "\\=^" or not c.isprintable() else c for c in account)
    return f"{plain.strip()[: _LONGEST_NAME - 1].strip()}^"


def number(concept: Concept, value: float, unit: Concept = NO_UNITS) -> Dataset:
    """A number with its unit."""
    made = _item("CONTAINS", "NUM", concept)
    measured = Dataset()
    measured.MeasurementUnitsCodeSequence = [coded(*unit)]
    measured.NumericValue = f"{value:.9g}"
    made.MeasuredValueSequence = [measured]
    return made


def image(reference: Dataset, relation: str = "CONTAINS") -> Dataset:
    """An image, by its SOP class and instance."""
    made = Dataset()
    made.RelationshipType, made.ValueType = relation, "IMAGE"
    made.ReferencedSOPSequence = [reference]
    return made


def region(
    concept: Concept, shape: Shape, points: Iterable[tuple[float, float]], reference: Dataset
) -> Dataset:
    """Where on an image something was measured: columns and rows (PS3.3 C.18.6)."""
    made = _item("INFERRED FROM", "SCOORD", concept)
    made.GraphicType = shape
    made.GraphicData = [float(part) for point in points for part in point]
    return within(made, [image(reference, "SELECTED FROM")])


def within(made: Dataset, items: Iterable[Dataset]) -> Dataset:
    """`made` with `items` inside; a sequence without items is none."""
    if inner := list(items):
        made.ContentSequence = inner
    return made


def observed(made: Dataset, time: datetime) -> Dataset:
    """`made` with the time at which it was said."""
    made.ObservationDateTime = stamp(time)
    return made


def stamp(time: datetime) -> str:
    """A DT (PS3.5 6.2) to the second, with its zone."""
    return f"{time:%Y%m%d%H%M%S%z}"


def _item(relation: Relation | None, kind: str, concept: Concept) -> Dataset:
    made = Dataset()
    if relation is not None:
        made.RelationshipType = relation
    made.ValueType = kind
    made.ConceptNameCodeSequence = [coded(*concept)]
    return made
