"""The measurements panel: vital signs first, then by group, newest first, with what came before.

Values that the same thing had before stand beside the newest, all of them on hover and by key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import streamlit as st

from clinical.case.assessment import Assessment, EvidenceItem, Explanation
from clinical.case.case import Case
from clinical.case.sentences import Value, Whole
from clinical.case.shapes import Measurement, Measurements
from clinical.modalities.kit import person, read_by
from clinical.modalities.measurements.words import marked
from clinical.terms import shown as terms
from ui.panels import choice, frame, share, sparkline
from ui.words import phrasing
from ui.words.markup import Markup, joined, signed_bar, tag, unseen

HEAD = ("Measurement", "Value", "Unit", "Range", "Age")
EARLIER = "Earlier"
EFFECT = "Evidence"
LETTERS = {"high": "H", "low": "L", "critical high": "HH", "critical low": "LL"}
LEGEND = "H high, L low by the reference range; HH, LL critical by published limits for the age."
POINTS = "Evidence: points of probability that it adds, + for and − against {}."
NOTHING_ABNORMAL = "Nothing here is outside its range."

ABNORMAL = choice.Choice(
    "measured",
    "Which measurements are shown",
    (
        ("all", "All", "Every measurement"),
        ("abnormal", "Abnormal only", "Outside its range, critical, or not usable"),
    ),
    "all",
)

GROUPS = (*dict.fromkeys(terms.groups().values()), terms.OTHER)

Numbered = tuple[int, Measurement]


READS, PLACE = ("measurements",), "middle"


def render(
    case: Case, assessment: Assessment | None, explanation: Explanation | None, diagnosis: str
) -> None:
    """Show all measurements of `case`; without a model, or before it speaks, they stand alone."""
    tables = {name: value for kit, name, value in read_by(case) if kit.name in READS}
    detail = share.of("measurements", tables, assessment, explanation)
    st.html(frame.panel_title("Measurements", detail))
    if not any(shape.items for shape in tables.values()):
        st.html(tag("p", "No measurements were given for this case.", class_="empty"))
        return
    choice.show(ABNORMAL)
    pieces = [
        measurement_table(
            name, shape, case.decision_time, explanation, age_years=person(case).age_years
        )
        for name, shape in tables.items()
    ]
    pieces += share.unknown_codes(tables, assessment)
    points = POINTS.format(phrasing.diagnosis(diagnosis)) if explanation else ""
    pieces.append(tag("p", f"{LEGEND} {points}".strip(), class_="quiet"))
    st.html(tag("div", *pieces, class_="scroll", tabindex=0, role="region", aria_label="Measured"))


def measurement_table(
    modality: str,
    shape: Measurements,
    decision: datetime | None,
    explanation: Explanation | None,
    *,
    age_years: float | None = None,
) -> Markup:
    """One input as a table: a row for each thing measured, its newest value and those before it.

    Columns that nothing stands in are left out: that of earlier values, and without an explanation
    that of what a measurement did. The age chooses the critical limits.
    """
    evidence = evidence_of(explanation, modality)
    kinds = sorted(_together(shape.items), key=_place)
    effects = {kind[0][0]: _effect(kind, evidence) for kind in kinds}
    largest = max((abs(effect) for effect in effects.values() if effect is not None), default=0.0)
    repeated = any(_past(kind) for kind in kinds)
    head = (*HEAD, *([EARLIER] if repeated else []), *([EFFECT] if explanation else []))
    bodies = []
    for group, several in groupby(kinds, key=lambda kind: terms.place(kind[0][1].code)[0]):
        rows: list[Markup] = []
        for kind in several:
            earlier = _earlier(kind, decision, age_years) if repeated else ""
            said = _said(kind, evidence)
            effect = effect_cell(effects[kind[0][0]], largest, said) if explanation else ""
            at = Value(modality, kind[0][0], kind[0][1].code, None, "").anchor
            rows.append(_row(kind, decision, joined([earlier, effect]), age_years, at))
            rows += [_problem(item, len(head)) for _, item in kind if item.problem]
        bodies.append(_group(group, rows, len(head)))
    nothing = tag("td", NOTHING_ABNORMAL, colspan=len(head), class_="quiet")
    return tag(
        "table",
        tag("caption", f"{modality}, {len(shape.items)} values", class_="unseen"),
        tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head))),
        *bodies,
        tag("tbody", tag("tr", nothing), class_="nothing-abnormal"),
        class_="measurements",
        data_at=Whole(modality).anchor,
    )


def _group(name: str, rows: Sequence[Markup], columns: int) -> Markup:
    """Rows of one group under its name."""
    title = tag("th", phrasing.capital(name), colspan=columns, scope="rowgroup")
    return tag("tbody", tag("tr", title, class_="group"), *rows)


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


def effect_cell(effect: float | None, largest: float, said: str) -> Markup:
    """Bar of what a measurement counts, and what it adds in numbers."""
    if effect is None:
        return tag("td", unseen("no effect shown"), class_="effect")
    return tag(
        "td",
        signed_bar(effect, largest),
        tag("span", said, class_="number"),
        class_="effect",
    )


def _row(
    kind: Sequence[Numbered],
    decision: datetime | None,
    further: Markup,
    age_years: float | None,
    at: str,
) -> Markup:
    item = kind[0][1]
    mark = marked(item, age_years)
    if item.value is None:
        shown = tag("td", item.raw_value, class_="value raw", title="as given by the source")
        unit = item.raw_unit
    else:
        written = f"{item.raw_value} {item.raw_unit}".strip() if item.bound else ""
        shown = tag("td", _value(item, mark), class_="value", title=written or None)
        unit = phrasing.unit(item.unit)
    unused = any(one.problem for _, one in kind)
    kinds = (mark, "outside" if mark or unused else "", "unused" if unused else "")
    return tag(
        "tr",
        tag("td", item.name, title=item.code, class_="name"),
        shown,
        tag("td", unit, class_="unit"),
        tag("td", terms.limits(item.reference, item.unit, item.code), class_="range"),
        tag(
            "td",
            phrasing.before(item.time, decision),
            class_="age",
            title=phrasing.moment(item.time),
        ),
        further,
        class_=" ".join(name for name in kinds if name) or None,
        data_at=at,
    )


def _value(item: Measurement, mark: str) -> Markup:
    """The number with its letter, such as 6.9 HH."""
    flag = tag("em", LETTERS[mark], unseen(f" {mark}"), title=mark) if mark else ""
    return joined([terms.valued(item), flag])


def _past(kind: Sequence[Numbered]) -> list[Measurement]:
    return [item for _, item in kind[1:] if item.value is not None]


def _earlier(
    kind: Sequence[Numbered], decision: datetime | None, age_years: float | None
) -> Markup:
    """The value before the newest; all of them as a line, and on hover and by key as a list."""
    past = _past(kind)
    if not past:
        return tag("td", class_="earlier")
    newest = kind[0][1]
    values = [item.value for item in (*reversed(past), newest) if item.value is not None]
    lines = [
        tag(
            "li",
            tag("span", phrasing.moment(item.time)),
            tag("b", _value(item, marked(item, age_years))),
            tag("span", phrasing.before(item.time, decision)),
        )
        for item in (newest, *past)
        if item.value is not None
    ]
    before = past[0]
    ago = phrasing.before(before.time, decision)
    trend = tag(
        "div",
        sparkline.line(values, newest.reference),
        terms.valued(before),
        tag("small", f"({ago})") if ago else "",
        tag("ul", *lines, class_="all"),
        class_="trend",
        tabindex=0,
        role="group",
        aria_label=f"{newest.name}, {len(values)} values, newest first",
    )
    return tag("td", trend, class_="earlier")


def _problem(item: Measurement, columns: int) -> Markup:
    words = phrasing.sentence(f"not used: {item.problem}")
    return tag("tr", tag("td", words, colspan=columns, class_="problem"), class_="outside")


def _effect(kind: Sequence[Numbered], evidence: dict[int, EvidenceItem]) -> float | None:
    """What all values of one thing did together: shares of the evidence add up."""
    found = [evidence[index].relevance for index, _ in kind if index in evidence]
    return sum(found) if found else None


def _said(kind: Sequence[Numbered], evidence: dict[int, EvidenceItem]) -> str:
    """What all values of one thing add together: they were taken away together."""
    found = [evidence[index] for index, _ in kind if index in evidence]
    if found and found[0].change is not None:
        return phrasing.added(found[0].change)
    return phrasing.effect(sum(item.relevance for item in found))


def _together(items: tuple[Measurement, ...]) -> list[list[Numbered]]:
    """Values of the same code, newest first."""
    kinds: dict[str, list[Numbered]] = {}
    for index, item in enumerate(items):
        kinds.setdefault(item.code, []).append((index, item))
    return [sorted(kind, key=_newest) for kind in kinds.values()]


def _newest(numbered: Numbered) -> tuple[float, int]:
    index, item = numbered
    return (-item.time.timestamp() if item.time else 0.0, index)


def _place(kind: Sequence[Numbered]) -> tuple[int, float, int]:
    """By group in reading order; in it what was measured last first, then in reading order."""
    group, place = terms.place(kind[0][1].code)
    return GROUPS.index(group), _newest(kind[0])[0], place
