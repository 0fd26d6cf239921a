"""The story panel: history, and notes with the sentences that mattered; text and nothing else."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from clinical.case.assessment import Assessment, EvidenceItem, Explanation
from clinical.case.case import Case
from clinical.case.sentences import Entry, Quotation, Whole
from clinical.case.shapes import Event, Events, Text, Texts
from clinical.modalities.history.words import since
from clinical.modalities.kit import read_by
from clinical.wording import inside_a_sentence
from ui.panels import frame, share
from ui.panels.measurements_panel import POINTS, evidence_of
from ui.words import phrasing
from ui.words.markup import Markup, joined, signed_bar, tag, unseen

Numbered = tuple[int, Event]


READS, PLACE = ("history", "notes"), "right"


def render(
    case: Case,
    assessment: Assessment | None,
    explanation: Explanation | None,
    diagnosis: str,
) -> None:
    """Show history and notes of `case`."""
    events = {name: value for kit, name, value in read_by(case) if kit.name == "history"}
    texts = {name: value for kit, name, value in read_by(case) if kit.name == "notes"}
    detail = share.of("notes", [*events, *texts], assessment, explanation)
    st.html(frame.panel_title("Story", detail))
    pieces = [history(n, shape, case.decision_time, explanation) for n, shape in events.items()]
    pieces += share.unknown_codes([*events, *texts], assessment)
    pieces += [notes(n, shape, case.decision_time, explanation) for n, shape in texts.items()]
    if not pieces:
        st.html(tag("p", "No history or notes were given for this case.", class_="empty"))
        return
    if explanation:
        words = POINTS.format(phrasing.diagnosis(diagnosis))
        pieces.append(tag("p", words, class_="quiet"))
    st.html(tag("div", *pieces, class_="scroll", tabindex=0, role="region", aria_label="Story"))


def history(
    modality: str, shape: Events, decision: datetime | None, explanation: Explanation | None
) -> Markup:
    """Coded history as a time line, oldest first; what has no date and what is denied follow."""
    evidence = evidence_of(explanation, modality)
    demographics = [
        item
        for item in (explanation.items if explanation else ())
        if item.modality == modality and item.label in ("age", "sex")
    ]
    coded = {i: e for i, e in evidence.items() if e.label not in ("age", "sex")}
    largest = max((abs(item.relevance) for item in evidence.values()), default=0.0)
    person = [_demographic(item, shape, largest) for item in demographics]
    dated, undated, denied = _sorted(shape)
    pieces = [
        _list(
            words,
            kind,
            [*first, *(_event(modality, i, e, decision, coded.get(i), largest) for i, e in part)],
        )
        for words, kind, first, part in (
            ("", "", person, ()),
            ("", "timeline", (), dated),
            ("Date unknown" if dated else "", "", (), undated),
            ("Denied", "", (), denied),
        )
    ]
    if not any(pieces):
        pieces = [tag("p", "Nothing recorded", class_="quiet")]
    title = tag("h3", modality.capitalize())
    return tag("section", title, *pieces, data_at=Whole(modality).anchor)


def _sorted(shape: Events) -> tuple[list[Numbered], list[Numbered], list[Numbered]]:
    """Present with a date from old to new, present without one, denied."""
    numbered = list(enumerate(shape.items))
    dated = [(i, e) for i, e in numbered if e.present and e.onset is not None]
    # As text, because a source may give some times with a zone and some without.
    dated.sort(key=lambda pair: pair[1].onset.isoformat() if pair[1].onset else "")
    undated = [(i, e) for i, e in numbered if e.present and e.onset is None]
    return dated, undated, [(i, e) for i, e in numbered if not e.present]


def _list(words: str, kind: str, rows: list[Markup]) -> Markup:
    if not rows:
        return joined([])
    heading = tag("h4", words) if words else ""
    return joined([heading, tag("ul", *rows, class_=f"history {kind}".strip())])


def notes(
    modality: str, shape: Texts, decision: datetime | None, explanation: Explanation | None
) -> Markup:
    """Every section of the notes; sentences with evidence are marked."""
    items = [i for i in (explanation.items if explanation else ()) if i.modality == modality]
    largest = max((abs(item.relevance) for item in items), default=0.0)
    sections = [
        tag(
            "article",
            tag(
                "h4",
                phrasing.named(text.section),
                tag("span", _written(text, decision), class_="age"),
            ),
            tag("p", marked(text.text, [i for i in items if i.index == number], largest)),
        )
        for number, text in enumerate(shape.items)
    ]
    title = tag("h3", modality.capitalize())
    return tag("section", title, *sections, class_="notes", data_at=Whole(modality).anchor)


def marked(text: str, evidence: list[EvidenceItem], largest: float) -> Markup:
    """`text`, escaped whole, with the characters of each piece of evidence in a <mark>.

    Evidence that overlaps earlier evidence or lies outside the text is left unmarked.
    """
    pieces: list[str | Markup] = []
    at = 0
    for item in sorted(evidence, key=lambda item: item.start if item.start is not None else -1):
        start, end = item.start, item.end
        if start is None or end is None or not at <= start < end <= len(text):
            continue
        pieces += [text[at:start], _mark(text[start:end], item, largest)]
        at = end
    return joined([*pieces, text[at:]])


def _mark(sentence: str, item: EvidenceItem, largest: float) -> Markup:
    relevance = item.relevance
    at = Quotation(item.modality, item.index, item.start or 0, item.end or 0).anchor
    if abs(relevance) < 0.005:
        return tag("span", sentence, data_at=at)
    strength = min(3, 1 + int(3 * abs(relevance) / largest)) if largest > 0 else 1
    side = "for" if relevance > 0 else "against"
    return tag(
        "mark",
        sentence,
        tag("sup", phrasing.adds(item), unseen(f" {side} this diagnosis")),
        class_=f"{side} s{strength}",
        data_at=at,
    )


def _demographic(item: EvidenceItem, shape: Events, largest: float) -> Markup:
    age = f"{shape.age_years:.0f} years" if shape.age_years is not None else "unknown"
    value = age if item.label == "age" else (shape.sex or "unknown")
    at = Entry(item.modality, None, item.label).anchor
    return _line(f"{item.label.capitalize()}: {value}", "", item, largest, "", at)


def _event(
    modality: str,
    index: int,
    event: Event,
    decision: datetime | None,
    evidence: EvidenceItem | None,
    largest: float,
) -> Markup:
    ago = phrasing.before(event.onset, decision)
    date = since(event)
    began = f"{date} · {ago}" if date and ago else date
    words = event.display if event.present else f"No {inside_a_sentence(event.display)}"
    kind = "" if event.present else "denied"
    at = Entry(modality, index, event.code).anchor
    return _line(words, began, evidence, largest, kind, at, event.code)


def _line(
    words: str,
    since: str,
    evidence: EvidenceItem | None,
    largest: float,
    kind: str,
    at: str,
    code: str | None = None,
) -> Markup:
    effect: list[Markup] = []
    if evidence is not None:
        effect = [
            signed_bar(evidence.relevance, largest),
            tag("span", phrasing.adds(evidence), class_="number"),
        ]
    return tag(
        "li",
        tag("span", words, class_=f"name {kind}".strip(), title=code),
        tag("span", since, class_="age"),
        tag("span", *effect, class_="effect"),
        data_at=at,
    )


def _written(text: Text, decision: datetime | None) -> str:
    age = phrasing.before(text.time, decision)
    return f"{age} before" if age else ""
