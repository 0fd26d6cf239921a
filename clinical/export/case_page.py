"""What the report says about one case, gathered from the store and the ledger and put into words.

The template only lays these values out. Everything free (notes, comments, names of codes) stays
plain text here and is escaped there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from clinical.assess.sentences import sentences, told
from clinical.audit import ledger
from clinical.audit.retention import BECAUSE, purge_of
from clinical.case import beside, withheld
from clinical.case.assessment import (
    Assessment,
    AuditEvent,
    EvidenceItem,
    Explanation,
    Suggestion,
    set_sentence,
)
from clinical.case.case import Case
from clinical.case.sentences import text
from clinical.export import marked
from clinical.export.input_rows import (
    MeasurementRow,
    NoteSection,
    history,
    measurements,
    notes,
    person_words,
)
from clinical.export.marked import MarkedPage
from clinical.formatting import moment, percent, points, uncertain
from clinical.modalities.kit import Picture, label, pictures
from clinical.review import danger, note, progress, protocol, viewed
from clinical.review import decisions as decisions_rules
from clinical.review import status as status_rules
from clinical.review.decisions import ACTED, REASONS
from clinical.review.progress import RecordedDecision
from clinical.wording import words
from clinical.workspace import comments, store

MOST_EVIDENCE = 12  # items listed per suggestion; the report says how many were left out


@dataclass(frozen=True)
class SuggestionRow:
    """One suggestion and the decision that stands on it."""

    diagnosis: str
    probability: str
    bar: float
    threshold: str
    at: float
    reading: str
    withheld: str
    listed: str
    decision: str


@dataclass(frozen=True)
class EvidenceRow:
    """One item of evidence; `bar` is its share of the strongest in the same list, signed."""

    modality: str
    label: str
    adds: str
    bar: float


@dataclass(frozen=True)
class Evidence:
    """What one suggestion rests on; `words` says it in sentences."""

    diagnosis: str
    words: str
    method: str
    shares: tuple[tuple[str, str], ...]
    rows: tuple[EvidenceRow, ...]
    left_out: int
    held_back: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ContributionRow:
    """Probability of one diagnosis from everything, from each modality alone, and without it."""

    diagnosis: str
    everything: str
    alone: tuple[str, ...]
    without: tuple[str, ...]


@dataclass(frozen=True)
class DecisionRow:
    """One decision in words, superseded or standing."""

    time: str
    reader: str
    text: str
    reason: str
    comment: str
    stands: bool
    sequence: int


@dataclass(frozen=True)
class NoteRow:
    """One note from a reader to the next; `withdrawn` is when, or ""."""

    time: str
    author: str
    text: str
    withdrawn: str
    sequence: int


@dataclass(frozen=True)
class CasePage:
    """One case in the report; without a model, everything but what a model says."""

    case_id: str
    patient_id: str
    decision_time: str
    site: str
    status: str
    assessment_digest: str
    assessment: Assessment | None
    beside: tuple[Assessment, ...]
    input_digest: str
    person: str
    notices: tuple[tuple[str, str], ...]
    set_sentence: str
    suggestions: tuple[SuggestionRow, ...]
    pictures: tuple[Picture, ...]
    pictured: str
    measurements: tuple[MeasurementRow, ...]
    history: tuple[tuple[str, str, str], ...]
    notes: tuple[NoteSection, ...]
    evidence: tuple[Evidence, ...]
    contributions: tuple[ContributionRow, ...]
    decisions: tuple[DecisionRow, ...]
    handed_on: tuple[NoteRow, ...]
    marked: tuple[MarkedPage, ...]
    trail: tuple[AuditEvent, ...]


@dataclass(frozen=True)
class AbsentCase:
    """A case that cannot be shown, because its record is corrupted or was purged; why, in words.

    Attributes:
        lawful: that it cannot be shown is no fault.
    """

    case_id: str
    title: str
    problem: str
    lawful: bool = False


def spoiled(case_id: str, problem: str) -> AbsentCase:
    """A case whose record is not what it should be."""
    return AbsentCase(case_id, "This case cannot be shown", problem)


def purged(event: AuditEvent) -> AbsentCase:
    """The case that a PURGED event removed."""
    because = str(event.payload.get("because"))
    return AbsentCase(
        event.case_id,
        f"This case was purged by event {event.sequence}",
        f"{event.actor} removed it on {moment(event.time)}; the reason: "
        f"{BECAUSE.get(because, because)}. What was recorded of it stays in the events, by digest.",
        lawful=True,
    )


def case_page(connection: Connection, case_id: str) -> CasePage | AbsentCase:
    """Gather one case with its latest assessment, where a model made one, and its inputs.

    Raises:
        StoreError: if the case, its assessment or a comment is missing or corrupted.
        LedgerError: if one of its events was corrupted.
    """
    past = list(ledger.events(connection, case_id=case_id))
    if purge := purge_of(past):
        return purged(purge)
    digest, assessment, inputs = _subject(connection, case_id, past)
    others = _beside(connection, past)
    case = store.get_case(connection, case_id, input_digest=inputs)
    standing = decisions_rules.decisions(past)
    suggestions = assessment.suggestions if assessment else ()
    explained = {e.diagnosis: e for e in assessment.explanations} if assessment else {}
    shown = [s for s in suggestions if s.withheld_because is None]
    top = explained.get(shown[0].diagnosis) if shown else None
    return CasePage(
        case_id=case_id,
        patient_id=case.patient_id,
        decision_time=moment(case.decision_time),
        site=case.site,
        status=words(status_rules.status(past, protocol.in_force(connection))),
        assessment_digest=digest,
        assessment=assessment,
        beside=others,
        input_digest=inputs,
        person=person_words(case),
        notices=(
            *_dangers(case),
            *(_notices(assessment) if assessment else ()),
            *(("Another model", beside.sentence(one)) for one in others),
        ),
        set_sentence=set_sentence(assessment) if assessment else "",
        suggestions=tuple(_suggestion(s, standing) for s in suggestions) if shown else (),
        pictures=tuple(pictures(case, top)),
        pictured=words(top.diagnosis) if top else "",
        measurements=tuple(measurements(case)),
        history=tuple(history(case)),
        notes=tuple(notes(case, top)),
        evidence=tuple(
            _evidence(explained[s.diagnosis], case, assessment)
            for s in told(shown, explained)
            if assessment is not None
        ),
        contributions=tuple(_contribution(s, assessment) for s in shown) if assessment else (),
        decisions=tuple(_decisions(connection, past)),
        handed_on=tuple(_handed_on(connection, past)),
        marked=tuple(marked.pages(connection, case, past)),
        trail=tuple(past),
    )


def _subject(
    connection: Connection, case_id: str, past: Sequence[AuditEvent]
) -> tuple[str, Assessment | None, str]:
    """Digest and assessment, where there is one, and digest of the inputs."""
    read = progress.progress(past).subject
    if read is not None and not read.digest:
        return "", None, read.input
    digest, assessment = store.require_assessment(connection, case_id)
    return digest, assessment, assessment.input_digest


def _beside(connection: Connection, past: Sequence[AuditEvent]) -> tuple[Assessment, ...]:
    """What other models made of the same inputs."""
    read = progress.progress(past).subject
    return tuple(store.get_assessment(connection, digest) for digest in read.beside) if read else ()


def _dangers(case: Case) -> Iterable[tuple[str, str]]:
    found = danger.of_case(case)
    if found.critical:
        yield "Critical", f"{danger.critical_values(found)}."
    if words := danger.score_words(found):
        yield "NEWS2", f"{words}."


def _notices(assessment: Assessment) -> Iterable[tuple[str, str]]:
    if withheld.whole(assessment):
        yield "No suggestion", f"{withheld.because(assessment)} {withheld.needed(assessment)}"
    elif assessment.out_of_distribution.flagged:
        reasons = assessment.out_of_distribution.reasons or ("No reason was given.",)
        yield "Unlike the training data", " ".join(reasons)
    for conflict in assessment.conflicts:
        yield "Conflict", uncertain(conflict)
    if assessment.missing:
        yield "Missing", ", ".join(words(name) for name in assessment.missing)
    if assessment.unknown:
        yield "Not read by this model", ", ".join(words(name) for name in assessment.unknown)
    for sentence in assessment.unknown_codes:
        yield "Unknown to this model", sentence
    for problem in assessment.problems:
        yield "Not usable", problem


def _suggestion(suggestion: Suggestion, standing: Mapping[str, RecordedDecision]) -> SuggestionRow:
    because = suggestion.withheld_because or ""
    suggested = suggestion.probability >= suggestion.threshold
    decision = standing.get(suggestion.diagnosis)
    return SuggestionRow(
        words(suggestion.diagnosis),
        "" if because else percent(suggestion.probability),
        0.0 if because else 100 * suggestion.probability,
        percent(suggestion.threshold),
        100 * suggestion.threshold,
        "withheld" if because else "suggested" if suggested else "below threshold",
        because,
        {True: "yes", False: "no", None: "—"}[suggestion.in_set],
        f"{_acted(decision)} by {decision.reader}" if decision else "",
    )


def _acted(decision: RecordedDecision) -> str:
    done = ACTED[decision.action]
    return f"{done} to {words(decision.replacement)}" if decision.replacement else done


def _on_screen(decision: RecordedDecision) -> str:
    view = viewed.said(decision.view)
    return f" with {view}" if view else ""


def _evidence(explanation: Explanation, case: Case, assessment: Assessment) -> Evidence:
    said = text(sentences(case, assessment, explanation.diagnosis))
    strongest = max((abs(item.relevance) for item in explanation.items), default=0.0) or 1.0
    rows = tuple(
        EvidenceRow(
            words(item.modality),
            label(case, item),
            _added(item),
            item.relevance / strongest,
        )
        for item in explanation.items[:MOST_EVIDENCE]
    )
    largest = sorted(explanation.share.items(), key=lambda pair: -pair[1])
    shares = tuple((words(name), percent(share)) for name, share in largest)
    left_out = max(0, len(explanation.items) - MOST_EVIDENCE)
    held = tuple((words(name), reason) for name, reason in explanation.held_back.items())
    name = words(explanation.diagnosis)
    return Evidence(name, said, explanation.method, shares, rows, left_out, held)


def _added(item: EvidenceItem) -> str:
    """Points of probability that a piece adds; of an older record its relevance."""
    if item.change is None:
        return f"{item.relevance:+.3f}".replace("-", "−")
    return points(item.change)


def _contribution(suggestion: Suggestion, assessment: Assessment) -> ContributionRow:
    def column(table: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
        found = (table.get(name, {}).get(suggestion.diagnosis) for name in assessment.used)
        return tuple("—" if value is None else percent(value) for value in found)

    return ContributionRow(
        words(suggestion.diagnosis),
        percent(suggestion.probability),
        column(assessment.ledger.alone),
        column(assessment.ledger.without),
    )


def _handed_on(connection: Connection, past: list[AuditEvent]) -> Iterable[NoteRow]:
    for found in note.notes(past):
        yield NoteRow(
            moment(found.recorded),
            found.author,
            comments.get(connection, found.text_digest),
            moment(found.withdrawn) if found.withdrawn else "",
            found.sequence,
        )


def _decisions(connection: Connection, past: list[AuditEvent]) -> Iterable[DecisionRow]:
    stands = {decision.sequence for decision in decisions_rules.standing(past)}
    for decision in decisions_rules.history(past):
        digest = decision.comment_digest
        yield DecisionRow(
            moment(decision.time),
            decision.reader,
            f"{words(decision.diagnosis)}: {_acted(decision)}{_on_screen(decision)}",
            REASONS.get(decision.reason, decision.reason),
            comments.get(connection, digest) if digest else "",
            decision.sequence in stands,
            decision.sequence,
        )
