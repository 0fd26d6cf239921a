"""A card of CDS Hooks: what the model suggested of a case, on what it rests, and where to read it.

A card says what the page would say to a reader who has not begun: what is withheld there, or waits
for a first read, is not in it. It asks for nothing to be done in the record, so its suggestions
have no actions. https://cds-hooks.hl7.org/2.0/#card-attributes
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.audit.retention import purge_of
from clinical.case import withheld
from clinical.case.assessment import Assessment, EvidenceItem, Explanation, Suggestion
from clinical.case.case import Case
from clinical.case.reading import Reading
from clinical.case.shapes import sources_of
from clinical.exchange.markdown import escaped
from clinical.export.reading import reading_of
from clinical.formatting import moment, percent, points
from clinical.modalities.kit import label
from clinical.modalities.radiograph.rows import IMAGE, PRIOR
from clinical.review import progress
from clinical.review import protocol as protocol_rules
from clinical.review.decisions import REASONS
from clinical.review.priority import DANGEROUS
from clinical.wording import RESEARCH_USE, words
from clinical.workspace import store

Said = Literal["suggestions", "none", "withheld", "first read"]
"""What a card says: suggestions; that none is made; that none may be shown, and why."""

REASON_SYSTEM = "urn:triptych:reason"
TOPIC = {"system": "urn:triptych:topic", "code": "chest-film", "display": "Reading of a chest film"}
SOURCE = "Triptych (research use only)"
SUMMARY = 139  # characters; the standard has fewer than 140
MOST_EVIDENCE = 3  # pieces named on each side
LEAST = 0.01  # share of the evidence below which a piece is not named
LONGEST = 64  # letters of one piece
NO_OTHER = "none_of_these"  # of the list of the shipped model
NOT_RULED_OUT = "What is not named here is not ruled out."
WAITS = "its readers first read it without the model, and have not all signed"


@dataclass(frozen=True)
class Card:
    """One card and what the record keeps of it.

    Attributes:
        uuid: by which feedback names it.
        case_id: the case.
        assessment: digest of the assessment that it is made of.
        said: what it says.
        suggested: uuid of a suggestion to its diagnosis.
        content: as it is sent.
    """

    uuid: str
    case_id: str
    assessment: str
    said: Said
    suggested: Mapping[str, str]
    content: Mapping[str, Any]


@dataclass(frozen=True)
class _Told:
    """What there is to tell of one case at one moment."""

    case: Case
    digest: str
    assessment: Assessment
    reading: Reading
    blinded: bool

    @property
    def suggested(self) -> tuple[Suggestion, ...]:
        """What is at or above its threshold and may be shown; that it is nothing else is none."""
        if self.blinded:
            return ()
        shown = (s for s in self.assessment.suggestions if s.withheld_because is None)
        return tuple(s for s in shown if s.probability >= s.threshold and s.diagnosis != NO_OTHER)

    @property
    def said(self) -> Said:
        if self.blinded:
            return "first read"
        if self.suggested:
            return "suggestions"
        return "withheld" if withheld.whole(self.assessment) else "none"


def card(
    connection: Connection, case_id: str, address: str, *, ordered: bool = False
) -> Card | None:
    """The card of a case, or None where there is none to tell of.

    Args:
        connection: reads the workspace.
        case_id: an assessed case.
        address: origin of the page, for the link.
        ordered: whether another picture of the chest is about to be ordered; then the card says
            which films there are, and there is none without a film.

    Raises:
        StoreError: if the store does not hold what the ledger names.
        LedgerError: if an event of the case was corrupted.
    """
    told = _told(connection, case_id)
    if told is None:
        return None
    films = _films(connection, case_id) if ordered else ()
    if ordered and not films:
        return None
    offered = {str(uuid.uuid4()): s.diagnosis for s in told.suggested}
    number = ledger.first_of(connection, case_id)
    made = str(uuid.uuid4())
    grave = any(s.diagnosis in DANGEROUS for s in told.suggested)
    content: dict[str, Any] = {
        "uuid": made,
        "summary": _summary(told, ordered=ordered),
        "detail": "\n".join(_detail(told, films)),
        # Never "critical", which a client may make a stop of: this is for research.
        "indicator": "warning" if grave else "info",
        "source": {"label": SOURCE, "url": address, "topic": TOPIC},
        "links": [
            {
                "label": "Open the case in Triptych",
                "url": f"{address}/case?id={number}",
                "type": "absolute",
            }
        ],
    }
    if offered:
        content["suggestions"] = [
            {"label": f"Consider {words(diagnosis)}", "uuid": one}
            for one, diagnosis in offered.items()
        ]
        content["selectionBehavior"] = "any"
        content["overrideReasons"] = [
            {"code": code, "system": REASON_SYSTEM, "display": text}
            for code, text in REASONS.items()
        ]
    return Card(made, case_id, told.digest, told.said, offered, content)


def _told(connection: Connection, case_id: str) -> _Told | None:
    past = list(ledger.events(connection, case_id=case_id))
    now = progress.progress(past)
    if now.subject is None or not now.subject.digest or purge_of(past):
        return None
    assessment = store.get_assessment(connection, now.subject.digest)
    case = store.get_case(
        connection, case_id, with_pixels=False, input_digest=assessment.input_digest
    )
    # Who looks at the record is nobody who has read here: what a reader waits for, they wait for.
    protocol = protocol_rules.in_force(connection)
    blinded = progress.withheld(now, "", "reader", protocol, case_id)
    return _Told(case, now.subject.digest, assessment, reading_of(connection, case_id), blinded)


def _summary(told: _Told, *, ordered: bool) -> str:
    when = moment(told.case.decision_time)
    head = f"There is a chest film already (case of {when})" if ordered else f"Case of {when}"
    match told.said:
        case "suggestions":
            named = [f"{words(s.diagnosis)} {percent(s.probability)}" for s in told.suggested]
            for count in range(len(named), 0, -1):
                more = f" and {len(named) - count} more" if count < len(named) else ""
                line = f"{head}: for research, a model suggests {', '.join(named[:count])}{more}"
                if len(line) <= SUMMARY:
                    return line
            return f"{head}: for research, a model makes suggestions"
        case "none":
            return f"{head}: for research, a model suggests none of its diagnoses"
        case "withheld" | "first read":
            return f"{head}: no suggestion of the research model can be shown"


def _detail(told: _Told, films: Sequence[str]) -> Iterator[str]:
    """Paragraphs and lists; what is not written here is escaped."""
    yield f"**{RESEARCH_USE}**"
    yield ""
    if films:
        yield "What there is already:"
        yield ""
        yield from (f"- {escaped(line)}" for line in films)
        yield ""
    match told.said:
        case "suggestions":
            yield from _suggestions(told)
        case "none":
            yield f"The model suggests none of its diagnoses. {NOT_RULED_OUT}"
        case "withheld":
            because = withheld.because(told.assessment)
            yield f"No suggestion can be shown, because of this: {escaped(because)}"
        case "first read":
            yield f"No suggestion can be shown, because {WAITS}."
    yield ""
    yield from _signed(told.reading)


def _suggestions(told: _Told) -> Iterator[str]:
    found = told.assessment
    given = ", ".join(words(name) for name in found.used)
    yield (
        f"The model {escaped(found.model.name)} suggests, from {escaped(given)}, as of"
        f" {moment(told.case.decision_time)}:"
    )
    yield ""
    explained = {e.diagnosis: e for e in found.explanations}
    for one in told.suggested:
        yield (
            f"- **{escaped(words(one.diagnosis))}: {percent(one.probability)}** (suggested from"
            f" {percent(one.threshold)}; {percent(one.prevalence)} of the training cases have it)"
        )
        if (explanation := explained.get(one.diagnosis)) is not None:
            yield from _reasons(told.case, explanation)
    yield ""
    hidden = [words(s.diagnosis) for s in found.suggestions if s.withheld_because is not None]
    for line in told.reading.remarks:
        if not any(name in line for name in hidden):
            yield f"- Note: {escaped(line)}"
    yield f"- {NOT_RULED_OUT}"


def _reasons(case: Case, explanation: Explanation) -> Iterator[str]:
    for title, sign in (("For it", 1), ("Against it", -1)):
        if listed := _strongest(case, explanation.items, sign):
            yield f"    - {title}: {'; '.join(listed)}"
    shares = sorted(explanation.share.items(), key=lambda pair: -pair[1])
    based = ", ".join(f"{escaped(words(name))} {percent(share)}" for name, share in shares)
    if based:
        yield f"    - Based on: {based}"


def _strongest(case: Case, items: Iterable[EvidenceItem], sign: int) -> list[str]:
    side: dict[str, list[EvidenceItem]] = {}  # a value that was measured twice alike is said once
    for item in items:
        if item.relevance * sign > 0:
            side.setdefault(_short(label(case, item)), []).append(item)
    weights = {said: sum(abs(item.relevance) for item in same) for said, same in side.items()}
    strongest = sorted(weights, key=lambda said: -weights[said])[:MOST_EVIDENCE]
    return [
        f"{escaped(said)} ({_adds(side[said])})" for said in strongest if weights[said] >= LEAST
    ]


def _adds(same: list[EvidenceItem]) -> str:
    """Points of probability; of an older record the share of all evidence."""
    change = same[0].change
    if change is None:
        return percent(sum(abs(item.relevance) for item in same))
    return points(change)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    if len(plain) <= LONGEST:
        return plain
    end = "…”" if plain.endswith("”") else "…"
    return plain[: LONGEST - len(end)].rstrip() + end


def _signed(reading: Reading) -> Iterator[str]:
    """What readers made of it, once all have signed who have to; nothing of it before."""
    if not reading.final:
        yield "No final reading is signed yet."
        return
    held = [
        words(found.diagnosis) if ":" not in found.diagnosis else found.codes[0].display
        for found in reading.conclusion
    ]
    when = moment(max(signed.recorded for signed in reading.vouched))
    yield f"**Signed reading** ({when}): {escaped(', '.join(held)) or 'none of the diagnoses'}."


def _films(connection: Connection, case_id: str) -> tuple[str, ...]:
    """When each film of a case was taken, those of earlier visits last."""
    found: list[tuple[bool, str]] = []
    for _, record in store.records(connection, [case_id]):
        for name, shape in record["inputs"].items():
            found += [(name == PRIOR, _taken(source)) for source in _sources(name, shape)]
    return tuple(
        f"{'an earlier film' if prior else 'a film'}, {taken}" for prior, taken in sorted(found)
    )


def _sources(name: str, shape: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    return sources_of(shape) if name in (IMAGE, PRIOR) else ()


def _taken(source: Mapping[str, str]) -> str:
    stated = source.get("acquired", "")
    try:
        return f"taken {moment(stated)}" if stated else "without a time"
    except ValueError:  # a day or a year alone
        return f"taken {stated}"
