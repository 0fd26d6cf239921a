"""The measurements panel: a dense table with ranges, ages and what each did to the suggestion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from clinical.case.assessment import Assessment, EvidenceItem, Explanation
from clinical.case.case import Case
from clinical.case.shapes import Measurement, Measurements
from clinical.modalities.kit import person, read_by
from clinical.modalities.measurements.words import marked
from clinical.terms import shown as terms
from ui.panels import frame, share, sparkline
from ui.words import phrasing
from ui.words.markup import Markup, signed_bar, table, tag, unseen

HEAD = ("Measurement", "Value", "Unit", "Range", "Age")
EFFECT = "Against / for, %"
LETTERS = {"high": "H", "low": "L", "critical high": "HH", "critical low": "LL"}
LEGEND = "H high, L low by the reference range; HH, LL critical by published limits for the age."
EARLIER = 3  # earlier values in words; all of them are in the line beside

Numbered = tuple[int, Measurement]


READS, PLACE = ("measurements",), "middle"


def render(
    case: Case,
    assessment: Assessment | None,
    explanation: Explanation | None,
    diagnosis: str,  # noqa: ARG001 - part of the contract of panels
) -> None:
    """Show all measurements of `case`; without a model, or before it speaks, they stand alone."""
    tables = {name: value for kit, name, value in read_by(case) if kit.name in READS}
    detail = share.of("measurements", tables, assessment, explanation)
    st.html(frame.panel_title("Measurements", detail))
    if not any(shape.items for shape in tables.values()):
        st.html(tag("p", "No measurements were given for this case.", class_="empty"))
        return
    pieces = [
        measurement_table(
            name, shape, case.decision_time, explanation, age_years=person(case).age_years
        )
        for name, shape in tables.items()
    ]
    pieces += share.unknown_codes(tables, assessment)
    pieces.append(tag("p", LEGEND, class_="quiet"))
    st.html(tag("div", *pieces, class_="scroll", tabindex=0, role="region", aria_label="Measured"))


def measurement_table(
    modality: str,
    shape: Measurements,
    decision: datetime | None,
    explanation: Explanation | None,
    *,
    age_years: float | None = None,
) -> Markup:
    """One input as a table: a row for each thing measured, its newest value, earlier ones below.

    Without an explanation there is no column for what a measurement did. The age chooses the
    critical limits.
    """
    evidence = evidence_of(explanation, modality)
    kinds = _together(shape.items)
    effects = {kind[0][0]: _effect(kind, evidence) for kind in kinds}
    largest = max((abs(effect) for effect in effects.values() if effect is not None), default=0.0)
    rows: list[Markup] = []
    for kind in kinds:
        effect = effect_cell(effects[kind[0][0]], largest) if explanation else ""
        rows.append(_row(kind, decision, effect, age_years))
        rows += [_problem(item) for _, item in kind if item.problem]
    head = (*HEAD, EFFECT) if explanation else HEAD
    return table(head, rows, "measurements", f"{modality}, {len(shape.items)} values")


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


def effect_cell(effect: float | None, largest: float) -> Markup:
    """Bar and number of a share of all evidence, in per cent."""
    if effect is None:
        return tag("td", unseen("no effect shown"), class_="effect")
    return tag(
        "td",
        signed_bar(effect, largest),
        tag("span", phrasing.effect(effect), class_="number"),
        class_="effect",
    )


def _row(
    kind: Sequence[Numbered],
    decision: datetime | None,
    effect: Markup | str,
    age_years: float | None,
) -> Markup:
    item = kind[0][1]
    mark = marked(item, age_years)
    if item.value is None:
        shown = tag("td", item.raw_value, class_="value raw", title="as given by the source")
        unit = item.raw_unit
    else:
        flag = tag("em", LETTERS[mark], unseen(f" {mark}"), title=mark) if mark else ""
        written = f"{item.raw_value} {item.raw_unit}".strip() if item.bound else ""
        shown = tag("td", terms.valued(item), flag, class_="value", title=written or None)
        unit = phrasing.unit(item.unit)
    kinds = (mark, "unused" if item.problem else "")
    return tag(
        "tr",
        tag("td", item.name, _earlier(kind, decision), title=item.code, class_="name"),
        shown,
        tag("td", unit, class_="unit"),
        tag("td", terms.limits(item.reference, item.unit, item.code), class_="range"),
        tag(
            "td",
            phrasing.before(item.time, decision),
            class_="age",
            title=phrasing.moment(item.time),
        ),
        effect,
        class_=" ".join(name for name in kinds if name) or None,
    )


def _earlier(kind: Sequence[Numbered], decision: datetime | None) -> Markup | str:
    """Earlier values, newest first, in words and as a line; "" where there are none."""
    past = [item for _, item in kind[1:] if item.value is not None]
    if not past:
        return ""
    words = [
        " ".join(filter(None, (terms.valued(item), _since(item, decision))))
        for item in past[:EARLIER]
    ]
    more = f", {len(past) - EARLIER} more" if len(past) > EARLIER else ""
    newest = kind[0][1]
    values = [item.value for item in (*reversed(past), newest) if item.value is not None]
    return tag(
        "span",
        sparkline.line(values, newest.reference),
        unseen(" earlier: "),
        f"{', '.join(words)}{more}",
        class_="earlier",
    )


def _since(item: Measurement, decision: datetime | None) -> str:
    age = phrasing.before(item.time, decision)
    return f"({age})" if age else ""


def _problem(item: Measurement) -> Markup:
    words = phrasing.sentence(f"not used: {item.problem}")
    return tag("tr", tag("td", words, colspan=len(HEAD) + 1, class_="problem"))


def _effect(kind: Sequence[Numbered], evidence: dict[int, EvidenceItem]) -> float | None:
    """What all values of one thing did together: shares of the evidence add up."""
    found = [evidence[index].relevance for index, _ in kind if index in evidence]
    return sum(found) if found else None


def _together(items: tuple[Measurement, ...]) -> list[list[Numbered]]:
    """Values of the same code, newest first, in the order in which the codes first appear."""
    kinds: dict[str, list[Numbered]] = {}
    for index, item in enumerate(items):
        kinds.setdefault(item.code, []).append((index, item))

    def newest(numbered: Numbered) -> tuple[float, int]:
        index, item = numbered
        return (-item.time.timestamp() if item.time else 0.0, index)

    return [sorted(kind, key=newest) for kind in kinds.values()]
