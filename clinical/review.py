"""The rules of review: who may decide what, when, and what a case's status is.

A rule is written once: `check_decision` raises, `can_decide` wraps it for a button, and `decide`
checks again inside the transaction that appends the event. Status and current decisions are folds
over the ledger's events; there is no second store that could disagree with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, Engine

from clinical import store
from clinical.assessment import (
    Action,
    Assessment,
    AuditEvent,
    ReviewDecision,
    Suggestion,
    assessment_digest,
)
from clinical.audit import ledger
from clinical.case import Case, input_digest
from clinical.database import writing
from clinical.errors import LedgerError, ReviewError

REASONS: dict[str, str] = {
    "image_finding_missed": "The image shows a finding that the suggestion misses",
    "finding_is_artifact": "The finding on the image is an artefact or an overlay",
    "lab_explains": "Laboratory values or vital signs speak for another explanation",
    "history_explains": "The history speaks for another explanation",
    "other_diagnosis_more_likely": "Another diagnosis is more likely",
    "input_wrong_patient_or_quality": "An input is of poor quality or of another patient",
    "not_clinically_plausible": "Not plausible in this clinical setting",
    "already_known": "Already known and not the reason for this presentation",
    "other": "Another reason, see the comment",
}
NEEDS_COMMENT = "other"
MAX_COMMENT = 2000
MAX_READER = 100
CODED = re.compile(r"(ICD-10|ICD-11|SNOMED):[A-Z0-9.&/]{2,40}")
"""What a replacement may be beside the assessment's own diagnoses; free text is for the comment."""

Status = Literal["unassessed", "unread", "opened", "in_review", "reviewed"]
Step = Literal["assessed", "opened", "decided", "completed"]

# Status of a case, then what happens to it, then its next status. A step that is not listed
# leaves the status as it is. A new assessment always asks for a new reading.
TRANSITIONS: dict[Status, dict[Step, Status]] = {
    "unassessed": {"assessed": "unread"},
    "unread": {"assessed": "unread", "opened": "opened"},
    "opened": {"assessed": "unread", "decided": "in_review", "completed": "reviewed"},
    "in_review": {"assessed": "unread", "completed": "reviewed"},
    "reviewed": {"assessed": "unread"},
}


@dataclass(frozen=True)
class RecordedDecision:
    """A decision as the ledger holds it.

    Attributes:
        sequence: number of its event.
        recorded: time of its event, ISO 8601, UTC.
        case_id, assessment_digest, diagnosis, action, reason, reader, time, replacement: as in
            `ReviewDecision`.
        comment_digest: names the comment in the store, or "".
    """

    sequence: int
    recorded: str
    case_id: str
    assessment_digest: str
    diagnosis: str
    action: Action
    reason: str
    reader: str
    time: datetime
    replacement: str
    comment_digest: str


def record_assessment(
    connection: Connection,
    case: Case,
    assessment: Assessment,
    actor: str,
    *,
    time: datetime | None = None,
) -> AuditEvent | None:
    """Store a case and its assessment and append ASSESSED, all in the caller's transaction.

    Returns:
        The event, or None where this assessment is the case's latest already (a page that runs
        again, a batch that resumes).

    Raises:
        ReviewError: if the assessment is of another case or of other inputs, or the workspace
            holds a case of that name of another patient.
    """
    if assessment.case_id != case.case_id or assessment.input_digest != input_digest(case):
        raise ReviewError(
            f"The assessment does not belong to case {case.case_id} and its inputs.",
            remedy="assess the case again.",
        )
    known = store.patient_of(connection, case.case_id)
    if known is not None and known != case.patient_id:
        raise ReviewError(
            f"The workspace holds case {case.case_id} of another patient already.",
            remedy="use a workspace of its own for every cohort.",
        )
    store.put_case(connection, case)
    digest = store.put_assessment(connection, assessment)
    past = ledger.events(connection, case_id=case.case_id, kind="ASSESSED")
    if [event.payload.get("assessment") for event in past][-1:] == [digest]:
        return None
    payload = _assessed_payload(assessment, digest)
    return ledger.append(
        connection, "ASSESSED", actor=actor, case_id=case.case_id, payload=payload, time=time
    )


def record_opened(
    engine: Engine, case_id: str, reader: str, *, time: datetime | None = None
) -> AuditEvent:
    """Append OPENED: `reader` has the latest assessment of the case on the screen.

    Raises:
        ReviewError: if the case has no assessment.
    """
    with writing(engine) as connection:
        latest = _latest(ledger.events(connection, case_id=case_id))
        if not latest:
            raise ReviewError(f"Case {case_id} has no assessment.", remedy="assess it first.")
        return ledger.append(
            connection,
            "OPENED",
            actor=reader,
            case_id=case_id,
            payload={"assessment": latest},
            time=time,
        )


def check_decision(
    decision: ReviewDecision, assessment: Assessment, events: Iterable[AuditEvent]
) -> None:
    """Refuse a decision that the rules of review do not allow.

    Args:
        decision: what the reader wants to record.
        assessment: the one that the decision names.
        events: all events of the case, in order.

    Raises:
        ReviewError: with the rule and what to do.
    """
    past = list(events)
    _check_reader(decision)
    _check_assessment(decision, assessment, past)
    suggestion = _suggestion(decision, assessment)
    _check_action(decision, suggestion, assessment)
    _check_comment(decision)


def can_decide(
    decision: ReviewDecision, assessment: Assessment, events: Iterable[AuditEvent]
) -> bool:
    """Whether `check_decision` allows it."""
    try:
        check_decision(decision, assessment, events)
    except ReviewError:
        return False
    return True


def decide(engine: Engine, decision: ReviewDecision) -> AuditEvent:
    """Check a decision and record it with its comment, in one transaction.

    A later decision on the same suggestion supersedes; the earlier one stays in the ledger.

    Raises:
        ReviewError: if the rules of review do not allow it; nothing is recorded then.
    """
    with writing(engine) as connection:
        return record_decision(connection, decision)


def record_decision(
    connection: Connection, decision: ReviewDecision, *, time: datetime | None = None
) -> AuditEvent:
    """`decide` inside the caller's transaction; `time` is the time of the event, now if left out.

    Raises:
        ReviewError: if the rules of review do not allow it.
    """
    assessment = store.get_assessment(connection, decision.assessment_digest)
    past = ledger.events(connection, case_id=decision.case_id)
    check_decision(decision, assessment, past)
    comment = store.put_comment(connection, decision.comment) if decision.comment else ""
    payload = {
        "assessment": decision.assessment_digest,
        "diagnosis": decision.diagnosis,
        "action": decision.action,
        "reason": decision.reason,
        "replacement": decision.replacement,
        "decided": decision.time.isoformat(),
        "comment": comment,
    }
    return ledger.append(
        connection,
        "DECIDED",
        actor=decision.reader,
        case_id=decision.case_id,
        payload=payload,
        time=time,
    )


def history(events: Iterable[AuditEvent]) -> list[RecordedDecision]:
    """Every decision ever recorded, oldest first, superseded ones too.

    Raises:
        LedgerError: at an event that was tampered with so that it is no decision any more.
    """
    return [_recorded(event) for event in events if event.kind == "DECIDED"]


def decisions(events: Iterable[AuditEvent]) -> dict[str, RecordedDecision]:
    """Diagnosis to the decision that stands, for the latest assessment of one case."""
    past = list(events)
    latest = _latest(past)
    return {d.diagnosis: d for d in history(past) if d.assessment_digest == latest}


def status(events: Iterable[AuditEvent]) -> Status:
    """Status of one case: a walk through `TRANSITIONS` along its events."""
    now: Status = "unassessed"
    waiting: set[str] = set()
    for event in events:
        step: Step
        if event.kind == "ASSESSED":
            step, waiting = "assessed", set(event.payload.get("to_decide", ()))
        elif event.kind == "OPENED":
            step = "opened"
        elif event.kind == "DECIDED":
            waiting.discard(event.payload.get("diagnosis", ""))
            step = "decided" if waiting else "completed"
        else:
            continue
        now = TRANSITIONS[now].get(step, now)
    return now


def statuses(connection: Connection, *, only: Collection[str] | None = None) -> dict[str, Status]:
    """case_id to status for every case in the ledger, in one pass over it.

    Args:
        connection: reads the workspace.
        only: case_ids to look up one by one instead; quick where they are few.
    """
    if only is not None:
        return {case_id: status(ledger.events(connection, case_id=case_id)) for case_id in only}
    by_case: dict[str, list[AuditEvent]] = {}
    for event in ledger.events(connection):
        if event.case_id:
            by_case.setdefault(event.case_id, []).append(event)
    return {case_id: status(past) for case_id, past in by_case.items()}


def to_decide(assessment: Assessment) -> list[str]:
    """Diagnoses that a reader has to decide on before the case counts as reviewed.

    Those shown at or above their threshold; where there is none, one decision on anything will do.
    """
    return [
        s.diagnosis
        for s in assessment.suggestions
        if s.withheld_because is None and s.probability >= s.threshold
    ]


def _assessed_payload(assessment: Assessment, digest: str) -> Mapping[str, object]:
    model = assessment.model
    return {
        "assessment": digest,
        "input": assessment.input_digest,
        "model": {
            "name": model.name,
            "digest": model.digest,
            "configuration": model.configuration_digest,
        },
        "used": list(assessment.used),
        "missing": list(assessment.missing),
        "flags": {
            "out_of_distribution": assessment.out_of_distribution.flagged,
            "conflicts": len(assessment.conflicts),
            "withheld": sum(s.withheld_because is not None for s in assessment.suggestions),
        },
        "to_decide": to_decide(assessment),
    }


def _latest(events: Iterable[AuditEvent]) -> str:
    """Digest of the assessment that the last ASSESSED event names, or ""."""
    named = [
        str(event.payload.get("assessment", "")) for event in events if event.kind == "ASSESSED"
    ]
    return named[-1] if named else ""


def _recorded(event: AuditEvent) -> RecordedDecision:
    payload = event.payload
    try:
        return RecordedDecision(
            event.sequence,
            event.time,
            event.case_id,
            payload["assessment"],
            payload["diagnosis"],
            payload["action"],
            payload["reason"],
            event.actor,
            datetime.fromisoformat(payload["decided"]),
            payload["replacement"],
            payload["comment"],
        )
    except (KeyError, TypeError, ValueError):
        raise LedgerError(
            f"Event {event.sequence} does not hold what a decision has.",
            remedy="run `triptych audit verify`.",
        ) from None


def _check_reader(decision: ReviewDecision) -> None:
    if not decision.reader.strip() or len(decision.reader) > MAX_READER:
        raise ReviewError("A decision needs the account name of its reader.", remedy="sign in.")
    if decision.time.tzinfo is None:
        raise ReviewError(
            "The time of a decision needs a time zone.", remedy="give the time in UTC."
        )


def _check_assessment(
    decision: ReviewDecision, assessment: Assessment, past: list[AuditEvent]
) -> None:
    named = decision.assessment_digest
    if named != assessment_digest(assessment) or decision.case_id != assessment.case_id:
        raise ReviewError(
            "The decision names another case or assessment than the one it is checked against.",
            remedy="open the case again.",
        )
    if named != _latest(past):
        raise ReviewError(
            "The case has been assessed again since this assessment was shown.",
            remedy="open the case again and decide on the latest assessment.",
        )
    since = max(i for i, event in enumerate(past) if event.kind == "ASSESSED")
    opened = {event.actor for event in past[since:] if event.kind == "OPENED"}
    if decision.reader not in opened:
        raise ReviewError(
            "This reader has not opened the case since it was assessed.",
            remedy="open the case before deciding on it.",
        )


def _suggestion(decision: ReviewDecision, assessment: Assessment) -> Suggestion:
    for suggestion in assessment.suggestions:
        if suggestion.diagnosis == decision.diagnosis:
            return suggestion
    raise ReviewError(
        "The assessment makes no suggestion of this diagnosis.",
        remedy="decide on one of its suggestions; to add a diagnosis, modify one.",
    )


def _check_action(decision: ReviewDecision, suggestion: Suggestion, assessment: Assessment) -> None:
    if decision.action not in get_args(Action):
        raise ReviewError("There is no such action.", remedy=f"use one of {get_args(Action)}.")
    if decision.action == "accept" and suggestion.withheld_because is not None:
        raise ReviewError(
            "A withheld suggestion cannot be accepted.",
            remedy="modify another suggestion if you hold this diagnosis to be right.",
        )
    if decision.reason not in REASONS and (decision.action != "accept" or decision.reason):
        raise ReviewError(
            f"To {decision.action} needs one of the coded reasons.",
            remedy=f"choose one of {', '.join(REASONS)}.",
        )
    _check_replacement(decision, assessment)


def _check_replacement(decision: ReviewDecision, assessment: Assessment) -> None:
    replacement = decision.replacement
    if decision.action != "modify":
        if replacement:
            raise ReviewError(
                f"To {decision.action} takes no replacement.", remedy="choose modify instead."
            )
        return
    if replacement == decision.diagnosis:
        raise ReviewError(
            "The replacement is the same diagnosis.", remedy="choose another, or accept."
        )
    known = {suggestion.diagnosis for suggestion in assessment.suggestions}
    if replacement not in known and not CODED.fullmatch(replacement):
        raise ReviewError(
            "To modify needs a replacement diagnosis.",
            remedy='choose another diagnosis of the list or give a code such as "ICD-10:J18.9"; '
            "words belong in the comment.",
        )


def _check_comment(decision: ReviewDecision) -> None:
    comment = decision.comment
    if len(comment) > MAX_COMMENT:
        raise ReviewError(
            f"The comment has more than {MAX_COMMENT} characters.", remedy="shorten it."
        )
    if decision.reason == NEEDS_COMMENT and not comment.strip():
        raise ReviewError('The reason "other" needs a comment.', remedy="say which reason it is.")
    if any("\ud800" <= character <= "\udfff" for character in comment):  # half a character
        raise ReviewError("The comment is not valid Unicode.", remedy="type it again.")
