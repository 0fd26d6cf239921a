"""The inputs of a case as the report lists them: who, measurements, history and notes, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from clinical.case.assessment import Explanation
from clinical.case.case import Case
from clinical.case.shapes import Measurement
from clinical.formatting import moment, number
from clinical.modalities.history.words import event_words, since
from clinical.modalities.kit import person, read_by
from clinical.modalities.measurements.words import outside
from clinical.terms.shown import limits, unit, valued


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


def person_words(case: Case) -> str:
    """Sex and age, as far as they were given."""
    who = person(case)
    age = f"{number(who.age_years)} years" if who.age_years is not None else ""
    return ", ".join(part for part in (who.sex or "", age) if part)


def measurements(case: Case) -> Iterable[MeasurementRow]:
    """Every measurement of the case, input by input."""
    for kit, _, value in read_by(case):
        yield from map(_measurement, kit.measured(value))


def _measurement(item: Measurement) -> MeasurementRow:
    if item.value is None:
        raw = f"{item.raw_value} {item.raw_unit}".strip()
        return MeasurementRow(
            item.name, item.code, raw, "", "", "", moment(item.time), item.problem or "not usable"
        )
    return MeasurementRow(
        item.name,
        item.code,
        valued(item),
        unit(item.unit),
        limits(item.reference, item.unit, item.code),
        outside(item),
        moment(item.time),
        "",
    )


def history(case: Case) -> Iterable[tuple[str, str, str]]:
    """What each item of the history is, its code, and since when."""
    for kit, _, value in read_by(case):
        for item in kit.coded(value):
            yield event_words(item), item.code, since(item) or "—"


def notes(case: Case, top: Explanation | None) -> Iterable[NoteSection]:
    """Every section of the notes; marked is what speaks for the top suggestion."""
    for kit, name, value in read_by(case):
        for index, section in enumerate(kit.written(value)):
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
