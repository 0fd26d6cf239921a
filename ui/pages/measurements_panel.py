"""The measurements panel: a dense table with ranges, ages and what each did to the suggestion."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from clinical.assessment import Assessment, EvidenceItem, Explanation
from clinical.case import Case, Measurement, Measurements
from ui import wording
from ui.markup import Markup, signed_bar, table, tag, unseen
from ui.pages import frame, share

HEAD = ("Measurement", "Value", "Unit", "Range", "Age", "Against / for")


def render(case: Case, assessment: Assessment | None, explanation: Explanation | None) -> None:
    """Show all measurements of `case`."""
    tables = {n: shape for n, shape in case.inputs.items() if isinstance(shape, Measurements)}
    detail = share.of("measurements", tables, assessment, explanation)
    st.html(frame.panel_title("Measurements", detail))
    if not any(shape.items for shape in tables.values()):
        st.html(tag("p", "No measurements were given for this case.", class_="empty"))
        return
    pieces = [
        measurement_table(name, shape, case.decision_time, explanation)
        for name, shape in tables.items()
    ]
    st.html(tag("div", *pieces, class_="scroll", tabindex=0, role="region", aria_label="Measured"))


def measurement_table(
    modality: str, shape: Measurements, decision: datetime | None, explanation: Explanation | None
) -> Markup:
    """One input as a table; repeats of a measurement stand together, newest first."""
    evidence = evidence_of(explanation, modality)
    largest = max((abs(item.relevance) for item in evidence.values()), default=0.0)
    rows: list[Markup] = []
    before = ""
    for index, item in _together(shape.items):
        rows.append(_row(item, item.code == before, decision, evidence.get(index), largest))
        if item.problem:
            rows.append(_problem(item))
        before = item.code
    return table(HEAD, rows, "measurements", f"{modality}, {len(rows)} values")


def evidence_of(explanation: Explanation | None, modality: str) -> dict[int, EvidenceItem]:
    """Position in the input to its evidence; the strongest where there are several."""
    found: dict[int, EvidenceItem] = {}
    for item in explanation.items if explanation else ():
        known = found.get(item.index)
        if item.modality == modality and (
            known is None or abs(item.relevance) > abs(known.relevance)
        ):
            found[item.index] = item
    return found


def mark_of(item: Measurement) -> str:
    """ "high", "low" or "" by the reference range; "" too where there is no value to judge."""
    low, high = item.reference
    if item.value is None:
        return ""
    if high is not None and item.value > high:
        return "high"
    return "low" if low is not None and item.value < low else ""


def relevance_cell(item: EvidenceItem | None, largest: float) -> Markup:
    """Bar and number of one piece of evidence, in per cent of all evidence."""
    if item is None:
        return tag("td", unseen("no effect shown"), class_="effect")
    return tag(
        "td",
        signed_bar(item.relevance, largest),
        tag("span", wording.effect(item.relevance), class_="number"),
        class_="effect",
    )


def _row(
    item: Measurement,
    repeated: bool,
    decision: datetime | None,
    evidence: EvidenceItem | None,
    largest: float,
) -> Markup:
    mark = mark_of(item)
    if item.value is None:
        shown = tag("td", item.raw_value, class_="value raw", title="as the source gave it")
        unit = item.raw_unit
    else:
        arrow = {"high": "↑", "low": "↓"}.get(mark, "")
        label = tag("em", f"{arrow} {mark}") if mark else ""
        shown = tag("td", wording.number(item.value), " ", label, class_="value")
        unit = wording.unit(item.unit)
    kinds = (mark, "repeat" if repeated else "", "unused" if item.problem else "")
    return tag(
        "tr",
        tag("td", unseen(item.name) if repeated else item.name, title=item.code, class_="name"),
        shown,
        tag("td", unit, class_="unit"),
        tag("td", wording.limits(item.reference), class_="range"),
        tag("td", wording.before(item.time, decision), class_="age", title=_time(item)),
        relevance_cell(evidence, largest),
        class_=" ".join(kind for kind in kinds if kind) or None,
    )


def _problem(item: Measurement) -> Markup:
    words = wording.sentence(f"not used: {item.problem}")
    return tag("tr", tag("td", words, colspan=len(HEAD), class_="problem"))


def _time(item: Measurement) -> str:
    return wording.moment(item.time)


def _together(items: tuple[Measurement, ...]) -> list[tuple[int, Measurement]]:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        first.setdefault(item.code, index)

    def order(numbered: tuple[int, Measurement]) -> tuple[int, float, int]:
        index, item = numbered
        age = -item.time.timestamp() if item.time else 0.0
        return first[item.code], age, index

    return sorted(enumerate(items), key=order)
