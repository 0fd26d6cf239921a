"""The record as rows for a spreadsheet: cases, suggestions, decisions and events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.retention import find, purge_of, purged_by
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError, StoreError
from clinical.review import decisions as decision_rules
from clinical.review import protocol as protocol_rules
from clinical.review import status as status_rules
from clinical.review.progress import RecordedDecision
from clinical.tables.spreadsheet import Row
from clinical.workspace import comments, store

CASES = (
    "case_id", "patient_id", "decision_time", "site", "status", "model", "model_digest",
    "assessment", "input", "used", "missing", "out_of_distribution", "conflicts", "problem",
)  # fmt: skip
SUGGESTIONS = (
    "case_id", "assessment", "event", "diagnosis", "probability", "threshold", "suggested",
    "withheld_because", "in_set", "prevalence", "model", "model_digest",
)  # fmt: skip
DECISIONS = (
    "event", "recorded", "case_id", "assessment", "reader", "diagnosis", "action", "reason",
    "replacement", "confidence", "decided", "stands", "comment", "comment_digest", "problem",
)  # fmt: skip
EVENTS = ("sequence", "time", "actor", "kind", "case_id", "payload", "previous", "hash")


def cases(connection: Connection, chosen: Iterable[str]) -> Iterator[Row]:
    """One row a case, with its latest assessment."""
    protocol = protocol_rules.in_force(connection)
    for case_id in chosen:
        past = list(ledger.events(connection, case_id=case_id))
        if purge := purge_of(past):
            gone = f"purged by event {purge.sequence}"
            yield [case_id, "", "", "", "purged", *[""] * (len(CASES) - 6), gone]
            continue
        try:
            case = store.get_case(connection, case_id, with_pixels=False)
            found = store.latest_assessment(connection, case_id)
            status = status_rules.status(past, protocol)
        except (StoreError, LedgerError) as error:
            yield [case_id, *[""] * (len(CASES) - 2), error.message]
            continue
        digest, made = found or ("", None)
        known = (
            (
                made.model.name, made.model.digest, digest, made.input_digest,
                " ".join(made.used), " ".join(made.missing),
                made.out_of_distribution.flagged, len(made.conflicts),
            )
            if made
            else ("", "", "", "", "", "", None, None)
        )  # fmt: skip
        time = case.decision_time.isoformat() if case.decision_time else ""
        yield [case_id, case.patient_id, time, case.site, status, *known, ""]


def suggestions(connection: Connection, events: Iterable[AuditEvent]) -> Iterator[Row]:
    """One row a suggestion of each assessment that the events name, earlier ones too."""
    for event in events:
        if event.kind != "ASSESSED":
            continue
        digest = str(event.payload.get("assessment"))
        try:
            assessment = store.get_assessment(connection, digest)
        except StoreError as error:
            by = purged_by(connection, event)
            why = f"purged by event {by}" if by else error.message
            yield [event.case_id, digest, event.sequence, "", None, None, "", why, "", "", "", ""]
            continue
        for s in assessment.suggestions:
            suggested = s.withheld_because is None and s.probability >= s.threshold
            yield [
                event.case_id, digest, event.sequence, s.diagnosis, s.probability, s.threshold,
                suggested, s.withheld_because, s.in_set, s.prevalence, assessment.model.name,
                assessment.model.digest,
            ]  # fmt: skip


def decisions(connection: Connection, chosen: Iterable[str]) -> Iterator[Row]:
    """One row a decision with its comment, superseded and undone ones too."""
    for case_id in chosen:
        past = list(ledger.events(connection, case_id=case_id))
        try:
            standing = {decision.sequence for decision in decision_rules.standing(past)}
            history = decision_rules.history(past)
        except LedgerError as error:
            yield [None, "", case_id, *[""] * (len(DECISIONS) - 4), error.message]
            continue
        for d in history:
            comment, problem = _comment(connection, d)
            yield [
                d.sequence, d.recorded, d.case_id, d.assessment_digest, d.reader, d.diagnosis,
                d.action, d.reason, d.replacement, d.confidence, d.time.isoformat(),
                d.sequence in standing, comment, d.comment_digest, problem,
            ]  # fmt: skip


def events(shown: Iterable[AuditEvent]) -> Iterator[Row]:
    """One row an event that is shown, its payload as canonical JSON."""
    for event in shown:
        payload = canonical.dumps(dict(event.payload)).decode()
        yield [
            event.sequence, event.time, event.actor, event.kind, event.case_id, payload,
            event.previous, event.hash,
        ]  # fmt: skip


def _comment(connection: Connection, decision: RecordedDecision) -> tuple[str, str]:
    """Text, or why there is none."""
    digest = decision.comment_digest
    try:
        return (comments.get(connection, digest) if digest else ""), ""
    except StoreError as error:
        by = find(connection, decision.case_id, decision.sequence, "comments", digest)
        return "", f"purged by event {by}" if by else error.message
