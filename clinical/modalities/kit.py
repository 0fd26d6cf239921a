"""What a modality is: everything that the rest of the program may ask of it, in one value.

A modality is one folder beside this file with a module `modality` that has a `KIT`; its encoder is
the module `encoder` beside that, loaded by `clinical.modalities.catalogue` only, so that a page
opens without torch. Nothing outside a modality's folder asks for the type of an input: it asks the
kit. What a modality has nothing to say to keeps its default, which is "nothing".
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import clinical.modalities
from clinical.case.assessment import EvidenceItem, Explanation, HeatMap
from clinical.case.case import Case
from clinical.case.sentences import Named, Whole
from clinical.case.shapes import Array, Event, Measurement, Sex, Shape, Text
from clinical.errors import ConfigError
from clinical.tables.case_rows import CaseTable, ReadRows
from clinical.wording import words


@dataclass(frozen=True)
class Person:
    """Whom a case is about, as far as it was recorded."""

    age_years: float | None = None
    sex: Sex | None = None


@dataclass(frozen=True)
class Layer:
    """A heat map over a picture; the box is in the picture's source pixels."""

    uri: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    """One picture of an input for a printed page.

    Attributes:
        modality: name of the input.
        uri: the picture itself, PNG or SVG, as a data URI.
        width, height: of the source: its pixels, or the millimetres of a drawing.
        caption: what is shown and how, for example its size and window.
        layers: heat maps over it.
        wide: takes the whole width of a page.
    """

    modality: str
    uri: str
    width: int
    height: int
    caption: str
    layers: tuple[Layer, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Telling:
    """What a piece of evidence is named for.

    Attributes:
        age_years: of the patient, for limits that depend on it; None where it is not known.
        quoted: whether words that somebody wrote may be quoted; else they are named by their place.
    """

    age_years: float | None = None
    quoted: bool = True


def _nothing(value: Any) -> tuple[()]:  # noqa: ARG001 - what most modalities have of most things
    return ()


def _no_columns(value: Any) -> Mapping[str, float]:  # noqa: ARG001
    return {}


def _nobody(value: Any) -> Person:  # noqa: ARG001
    return Person()


def _all_items(value: Any) -> int | None:
    return len(value.items)


def _label(value: Any, item: EvidenceItem) -> str:  # noqa: ARG001
    return item.label


def _named(name: str, value: Any, item: EvidenceItem, telling: Telling) -> Named:  # noqa: ARG001
    return Named(f"{item.label} in {the(name)}", Whole(name))


def _mapped(name: str, value: Any, heat_map: HeatMap) -> Named:  # noqa: ARG001
    return Named(the(name), Whole(name))


def _left_out(value: Any, decision: datetime | None) -> None:  # noqa: ARG001
    return None


def _no_pictures(
    name: str,  # noqa: ARG001
    value: Any,  # noqa: ARG001
    explanation: Explanation | None,  # noqa: ARG001
) -> Sequence[Picture]:
    return ()


def _no_thumbnail(value: Any, longest: int) -> str:  # noqa: ARG001
    return ""


def _as_it_is(value: Any, lost: Sequence[bool]) -> Any:  # noqa: ARG001
    return value


@dataclass(frozen=True)
class Kit:
    """One modality.

    Attributes:
        name: of its folder; names its encoder and its settings in a study ("[model.NAME]").
        letter: stands for it in the worklist.
        order: where it stands among the others: pictures and traces, then values, then the story.
        shape: the closed shape of its values.
        inputs: names under which a case holds it, the first one the usual one; an earlier one of
            the same patient is "prior_" and the usual name.
        open_names: inputs of its shape under any other name are its own too. Of one shape, one
            modality at most says so.
        summary: what `stand_in` needs to give a value with the same facts but without content,
            JSON-compatible; None for values that are stored apart.
        stand_in: a value with the same numbers of items and the same person.
        table: of the folder format, or None.
        rows: the inputs of one case from that table.

    Facts, for rules, guards and comparators:
        usable: number of items that can be used; None where that is as good as absent.
        times: of every item, or None for an item without one.
        dated: an item without a time may be later than the decision, and that matters.
        stated: what is known of a case beyond the input itself: codes, "age", "sex".
        columns: name to number, for a table of cases; what is missing stays out.
        measured, coded, written: its items, where they are values, coded events, sections of text.
        person: whom it says the case is about.
        thinned: the value without the single items that are lost (True), None if nothing is left.

    Words and pictures:
        noun: what a sentence calls its usual input: "film"; "" for its name.
        plural: of the noun.
        part: how a sentence says that no part of the input is named: "nothing in", "no place on".
        label: one piece of evidence with its value, for page and report.
        named: the same as a noun phrase in a sentence, and where it is.
        mapped: where a heat map is strongest, likewise.
        pictures: for a printed page, with the heat maps or marks of one explanation.
        thumbnail: a small picture as a data URI, or "".

    Attributes that leave the house:
        deidentified: the value without what could identify a person (45 CFR 164.514(b)(2)), times
            counted as `clinical.export.deidentified` does; None leaves it out.
    """

    name: str
    letter: str
    order: int
    shape: type[Shape]
    inputs: tuple[str, ...]
    summary: Callable[[Any], Sequence[Any] | None]
    stand_in: Callable[..., Any]
    open_names: bool = False
    table: CaseTable | None = None
    rows: ReadRows | None = None
    usable: Callable[[Any], int | None] = _all_items
    times: Callable[[Any], Sequence[datetime | None]] = _nothing
    dated: bool = False
    stated: Callable[[Any], Sequence[str]] = _nothing
    columns: Callable[[Any], Mapping[str, float]] = _no_columns
    measured: Callable[[Any], Sequence[Measurement]] = _nothing
    coded: Callable[[Any], Sequence[Event]] = _nothing
    written: Callable[[Any], Sequence[Text]] = _nothing
    person: Callable[[Any], Person] = _nobody
    thinned: Callable[[Any, Sequence[bool]], Any] = _as_it_is
    noun: str = ""
    plural: bool = False
    part: str = "nothing in"
    label: Callable[[Any, EvidenceItem], str] = _label
    named: Callable[[str, Any, EvidenceItem, Telling], Named] = _named
    mapped: Callable[[str, Any, HeatMap], Named] = _mapped
    pictures: Callable[[str, Any, Explanation | None], Sequence[Picture]] = _no_pictures
    thumbnail: Callable[[Any, int], str] = _no_thumbnail
    deidentified: Callable[[Any, datetime | None], Shape | None] = _left_out


@cache
def kits() -> Mapping[str, Kit]:
    """Name to modality, in the order in which people are shown them."""
    found = [
        importlib.import_module(f"clinical.modalities.{info.name}.modality").KIT
        for info in pkgutil.iter_modules(clinical.modalities.__path__)
        if info.ispkg
    ]
    return {kit.name: kit for kit in sorted(found, key=lambda kit: (kit.order, kit.name))}


def kit_of(name: str, value: Shape) -> Kit:
    """The modality that an input of a case belongs to.

    Args:
        name: of the input; decides where a modality claims it.
        value: its value; tells the modality where the name is a source's own ("sonography").

    Raises:
        ConfigError: if no modality knows it.
    """
    return kit_named(name, type(value).__name__)


@cache
def kit_named(name: str, shape: str) -> Kit:
    """`kit_of` for a value of a shape of this name."""
    for kit in kits().values():
        if name in kit.inputs and kit.shape.__name__ == shape:
            return kit
    for kit in kits().values():
        if kit.open_names and kit.shape.__name__ == shape:
            return kit
    raise ConfigError(
        f"No known modality holds {shape} under the name {name!r}.",
        remedy=f"choose from: {', '.join(name for kit in kits().values() for name in kit.inputs)}",
    )


def read_by(case: Case) -> Iterator[tuple[Kit, str, Any]]:
    """Modality, name and value of every input of a case, in the case's order."""
    for name, value in case.inputs.items():
        yield kit_of(name, value), name, value


@cache
def letters() -> Mapping[str, str]:
    """Usual name of each input to the letter that stands for it."""
    return {kit.inputs[0]: kit.letter for kit in kits().values()}


def letter(name: str) -> str:
    """What stands for an input in the worklist: a letter, or two of a name of a source's own."""
    return letters().get(name, name[:2].upper())


def person(case: Case) -> Person:
    """Age and sex, each from the first input that says it."""
    told = [kit.person(value) for kit, _, value in read_by(case)]
    return Person(
        next((one.age_years for one in told if one.age_years is not None), None),
        next((one.sex for one in told if one.sex), None),
    )


def label(case: Case, item: EvidenceItem) -> str:
    """One piece of evidence with its value, looked up in the input that it points to."""
    value = case.inputs.get(item.modality)
    return item.label if value is None else kit_of(item.modality, value).label(value, item)


@cache
def usual_kit(name: str) -> Kit | None:
    """The modality that an input of this name usually belongs to, or None for a source's own."""
    return next((kit for kit in kits().values() if name in kit.inputs), None)


def noun(name: str) -> str:
    """What a sentence calls an input: "film", "earlier film", "history"."""
    kit = usual_kit(name)
    if kit is None or not kit.noun:
        return words(name)
    return kit.noun if name == kit.inputs[0] else f"earlier {kit.noun}"


def the(name: str) -> str:
    """`noun` with its article."""
    return f"the {noun(name)}"


def is_plural(name: str) -> bool:
    """Whether `noun` takes a plural verb."""
    kit = usual_kit(name)
    return kit.plural if kit is not None and kit.noun else name.endswith("s")


def named(case: Case, item: EvidenceItem, telling: Telling) -> Named:
    """One piece of evidence as a noun phrase, and where it is.

    An input that is not in the case any more, as in a de-identified copy, is named without it.
    """
    value = case.inputs.get(item.modality)
    if value is None:
        return _named(item.modality, value, item, telling)
    return kit_of(item.modality, value).named(item.modality, value, item, telling)


def mapped(case: Case, heat_map: HeatMap) -> Named:
    """Where a heat map is strongest as a noun phrase, and the place itself."""
    value = case.inputs.get(heat_map.modality)
    if value is None:
        return _mapped(heat_map.modality, value, heat_map)
    return kit_of(heat_map.modality, value).mapped(heat_map.modality, value, heat_map)


def pictures(case: Case, explanation: Explanation | None) -> list[Picture]:
    """Every input that has a picture, with the heat maps or marks of one explanation."""
    return [
        picture
        for kit, name, value in read_by(case)
        for picture in kit.pictures(name, value, explanation)
    ]


def thumbnail(case: Case, longest: int) -> str:
    """A small picture of the case as a data URI, or "" where nothing in it has one.

    Args:
        case: with its pixels.
        longest: pixels of the longer side.
    """
    found = (kit.thumbnail(value, longest) for kit, _, value in read_by(case))
    return next((uri for uri in found if uri), "")


def arrays(case: Case) -> Iterator[tuple[str, Array]]:
    """Name of the input and array, of everything in a case that is stored apart."""
    for name, value in case.inputs.items():
        for item in value.arrays:
            yield name, item
