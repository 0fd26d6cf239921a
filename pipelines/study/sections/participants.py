"""The sections of a report on who was studied: the way into the study, table 1, the predictors."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from clinical.wording import words
from pipelines.reports.blocks import (
    Block,
    Figures,
    Heading,
    Paragraph,
    Row,
    Table,
    numbers,
    texts,
)
from pipelines.reports.formatting import counted
from pipelines.study import all_figures
from pipelines.study.characteristics import most_frequent

Metrics = Mapping[str, Any]

HALF_A_PAGE = 88
"""Millimetres; two diagrams and their headings stand on one page."""
MOST = 40
"""Predictors in the report; predictors.csv has all."""


def flow(m: Metrics, drawn: Container[str]) -> Iterator[Block]:
    """Who is in the study; two cohorts have a diagram each."""
    yield Heading("Who is in the study", 1)
    if all_figures.FLOW_LEARNT in drawn:
        yield Heading("The cohort that was learnt from")
        yield Figures((all_figures.FLOW_LEARNT,), tallest=HALF_A_PAGE)
        yield Heading("The cohort that was tested")
        yield Figures((all_figures.FLOW,), tallest=HALF_A_PAGE)
    else:
        yield Figures((all_figures.FLOW,))
    if found := m.get("characteristics"):
        yield from _table_1(found)
        yield from _predictors(found)


def _table_1(found: Metrics) -> Iterator[Block]:
    yield Heading("Characteristics")
    parts = found["parts"]
    rows = [
        Row(("cases", *(f"{part['cases']:,}" for part in parts))),
        Row(("patients", *(f"{part['patients']:,}" for part in parts))),
    ]
    rows += [Row((_named(line), *(cell(part) for part in line["parts"]))) for line in found["rows"]]
    yield Table((*texts("Cases"), *numbers(*(part["name"] for part in parts))), tuple(rows))
    yield Paragraph(
        "Median [quartiles], or number (share of those of whom it is known); then how many cases "
        "it is missing in.",
        soft=True,
    )


def _named(line: Metrics) -> str:
    group = line["group"]
    return words(line["name"]) if group == "people" else f"{group}: {words(line['name'])}"


def cell(part: Metrics) -> str:
    """One figure of one part, with what is missing."""
    total = part["known"] + part["missing"]
    lost = f"; {100 * part['missing'] / total:.0f}% missing" if part["missing"] else ""
    if "middle" in part:
        if part["middle"] is None:
            return "none known"
        low, middle, high = (f"{part[name]:.4g}" for name in ("low", "middle", "high"))
        return f"{middle} [{low}, {high}]{lost}"
    if not part["known"]:
        return "none known"
    return f"{part['count']:,} ({100 * part['count'] / part['known']:.1f}%){lost}"


def _predictors(found: Metrics) -> Iterator[Block]:
    every: Sequence[Metrics] = found["predictors"]
    if not every:
        return
    yield Heading("Predictors")
    shown = most_frequent(every, MOST)
    if len(shown) < len(every):
        yield Paragraph(
            f"The {len(shown)} of {counted(len(every), 'predictor')} that most cases have; "
            "predictors.csv has all."
        )
    rows = tuple(
        Row(
            (
                words(one["modality"]),
                _predictor(one),
                one["code"],
                *(cell(part) for part in one["parts"]),
            )
        )
        for one in shown
    )
    names = numbers(*(part["name"] for part in found["parts"]))
    yield Table((*texts("Input", "Predictor", "Code"), *names), rows)
    yield Paragraph(
        "Of a repeated measurement the last value before the decision. Images, traces and text are "
        "read whole.",
        soft=True,
    )


def _predictor(one: Metrics) -> str:
    return f"{one['name']}, {one['unit']}" if one["unit"] else str(one["name"])
