"""The inputs of a case as the report lists them: who, measurements, history and notes, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clinical.case.assessment import Explanation
from clinical.case.case import Case
from clinical.case.shapes import Event, Events, Measurement, Measurements, Texts
from clinical.formatting import limits, moment, number


@dataclass(frozen=True)
class MeasurementRow:
    """One measurement; `mark` is "high", "low" or ""."""

    name: str
    code: str
    value: str
    unit: str
    reference: str
    mark: str
    time: str
    problem: str


@dataclass(frozen=True)
class NoteSection:
    """One section of a note in pieces; True marks a sentence that the top suggestion rests on."""

    title: str
    time: str
    pieces: tuple[tuple[str, bool], ...]


def person(case: Case) -> str:
    """Sex and age, as far as they were given."""
    for shape in case.inputs.values():
        if isinstance(shape, Events):
            age = f"{number(shape.age_years)} years" if shape.age_years is not None else ""
            return ", ".join(part for part in (shape.sex or "", age) if part)
    return ""


def measurements(case: Case) -> Iterable[MeasurementRow]:
    """Every measurement of the case, input by input."""
    for shape in case.inputs.values():
        if isinstance(shape, Measurements):
            for item in shape.items:
                yield _measurement(item)


def _measurement(item: Measurement) -> MeasurementRow:
    if item.value is None:
        raw = f"{item.raw_value} {item.raw_unit}".strip()
        return MeasurementRow(
            item.name, item.code, raw, "", "", "", moment(item.time), item.problem or "not usable"
        )
    low, high = item.reference
    mark = ""
    if low is not None and item.value < low:
        mark = "low"
    if high is not None and item.value > high:
        mark = "high"
    return MeasurementRow(
        item.name,
        item.code,
        number(item.value),
        item.unit,
        limits(item.reference),
        mark,
        moment(item.time),
        "",
    )


def history(case: Case) -> Iterable[tuple[str, str, str]]:
    """What each item of the history is, its code, and since when."""
    for shape in case.inputs.values():
        if isinstance(shape, Events):
            for item in shape.items:
                onset = f"{item.onset:%Y-%m-%d}" if item.onset else "—"
                yield event_words(item), item.code, onset


def event_words(item: Event) -> str:
    """The item as a person would say it."""
    return item.display if item.present else f"no {item.display}"


def notes(case: Case, top: Explanation | None) -> Iterable[NoteSection]:
    """Every section of the notes; marked is what speaks for the top suggestion."""
    for name, shape in case.inputs.items():
        if isinstance(shape, Texts):
            for index, section in enumerate(shape.items):
                spans = sorted(
                    (item.start, item.end)
                    for item in (top.items if top else ())
                    if item.modality == name and item.index == index and item.relevance > 0
                    if item.start is not None and item.end is not None
                )
                yield NoteSection(
                    section.section, moment(section.time), tuple(_pieces(section.text, spans))
                )


def _pieces(text: str, spans: list[tuple[int, int]]) -> Iterable[tuple[str, bool]]:
    done = 0
    for start, end in spans:
        if start >= done and end > start:
            if start > done:
                yield text[done:start], False
            yield text[start:end], True
            done = end
    if done < len(text):
        yield text[done:], False
