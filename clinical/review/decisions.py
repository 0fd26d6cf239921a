"""Decide on a suggestion, add a diagnosis, and undo what is not signed yet.

Each rule is written once: `check_decision` raises, `can_decide` wraps it for a button, and
`decide` checks again inside the transaction that appends the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from sqlalchemy import Connection, Engine

from clinical.audit import ledger
from clinical.case.assessment import (
    Action,
    Assessment,
    AuditEvent,
    Confidence,
    ReviewDecision,
    Suggestion,
    assessment_digest,
)
from clinical.errors import ReviewError
from clinical.review import marking, viewed
from clinical.review.comment import check_comment
from clinical.review.marking import Told
from clinical.review.progress import (
    Progress,
    Reader,
    RecordedDecision,
    progress,
    recorded_decision,
)
from clinical.review.viewed import Viewed
from clinical.workspace import comments, store
from clinical.workspace.database import writing

REASONS: dict[str, str] = {
    "image_finding_missed": "The image shows a finding that the suggestion misses",
    "finding_is_artifact": "The finding on the image is an artefact or an overlay",
    "lab_explains": "Laboratory values or vital signs point to another explanation",
    "history_explains": "The history points to another explanation",
    "other_diagnosis_more_likely": "Another diagnosis is more likely",
    "input_wrong_patient_or_quality": "An input is of poor quality or of another patient",
    "not_clinically_plausible": "Not plausible in this clinical setting",
    "already_known": "Already known and not the reason for this presentation",
    "other": "Another reason, see the comment",
}
ACTED: dict[Action, str] = {
    "accept": "accepted",
    "modify": "modified",
    "reject": "rejected",
    "add": "added",
}
NEEDS_COMMENT = "other"
MAX_READER = 100
CODED = re.compile(r"(ICD-10|ICD-11|SNOMED):[A-Z0-9.&/]{2,40}")
"""What a diagnosis may be beside the assessment's own; free text is for the comment."""


def check_decision(
    decision: ReviewDecision, assessment: Assessment | None, events: Iterable[AuditEvent]
) -> None:
    """Refuse a decision that the rules of review do not allow.

    Args:
        decision: what the reader wants to record.
        assessment: the one that the decision names; None where the case is read without a model.
        events: all events of the case, in order.

    Raises:
        ReviewError: with the rule and what to do.
    """
    now = progress(events)
    _check_signer(decision)
    _check_subject(decision, assessment, now)
    check_reading(now, decision.reader)
    if decision.action not in get_args(Action):
        raise ReviewError("There is no such action.", remedy=f"use one of {get_args(Action)}.")
    if decision.action == "add":
        _check_added(decision, assessment)
    else:
        _check_action(decision, _suggestion(decision, assessment))
    _check_reason(decision)
    _check_replacement(decision, assessment)
    check_comment(decision.comment, needed=decision.reason == NEEDS_COMMENT)


def can_decide(
    decision: ReviewDecision, assessment: Assessment | None, events: Iterable[AuditEvent]
) -> bool:
    """Whether `check_decision` allows it."""
    try:
        check_decision(decision, assessment, events)
    except ReviewError:
        return False
    return True


def repeats(decision: ReviewDecision, events: Iterable[AuditEvent]) -> bool:
    """Whether the reader accepts what they have accepted, as sure as before: nothing new is said.

    Args:
        decision: what the reader wants to record.
        events: all events of the case, in order.
    """
    before = progress(events).of(decision.reader).standing.get(decision.diagnosis)
    return (
        before is not None
        and decision.action == before.action == "accept"
        and decision.assessment_digest == before.assessment_digest
        and decision.confidence == before.confidence
    )


def decide(
    engine: Engine,
    decision: ReviewDecision,
    *,
    view: Viewed | None = None,
    marked: Told | None = None,
) -> AuditEvent:
    """Check a decision and record it with its comment, in one transaction.

    A later decision of the same reader on the same diagnosis supersedes; the earlier one stays in
    the ledger. Decisions of other readers are not touched.

    Args:
        engine: the workspace.
        decision: what the reader decided.
        view: what they had on the screen, where that is known.
        marked: what they had marked on the images, where that is known.

    Raises:
        ReviewError: if the rules of review do not allow it; nothing is recorded then.
    """
    with writing(engine) as connection:
        return record_decision(connection, decision, view=view, marked=marked)


def record_decision(
    connection: Connection,
    decision: ReviewDecision,
    *,
    time: datetime | None = None,
    view: Viewed | None = None,
    marked: Told | None = None,
) -> AuditEvent:
    """`decide` inside the caller's transaction; `time` is the time of the event, now if left out.

    Raises:
        ReviewError: if the rules of review do not allow it.
    """
    named = decision.assessment_digest
    assessment = store.get_assessment(connection, named) if named else None
    check_decision(decision, assessment, ledger.events(connection, case_id=decision.case_id))
    payload: dict[str, object] = {
        "assessment": named,
        "diagnosis": decision.diagnosis,
        "action": decision.action,
        "reason": decision.reason,
        "replacement": decision.replacement,
        "decided": decision.time.isoformat(),
        "comment": comments.put(connection, decision.comment) if decision.comment else "",
    }
    if decision.confidence:
        payload["confidence"] = decision.confidence
    if view is not None:
        payload["view"] = viewed.as_json(view)
    marking.record(connection, decision.case_id, decision.reader, marked, time=time)
    return ledger.append(
        connection,
        "DECIDED",
        actor=decision.reader,
        case_id=decision.case_id,
        payload=payload,
        time=time,
    )


def history(events: Iterable[AuditEvent]) -> list[RecordedDecision]:
    """Every decision ever recorded, oldest first, superseded and undone ones too.

    Raises:
        LedgerError: at an event that was tampered with so that it is no decision any more.
    """
    return [recorded_decision(event) for event in events if event.kind == "DECIDED"]


def standing(events: Iterable[AuditEvent]) -> list[RecordedDecision]:
    """The decisions that stand on what is read now, of all readers, oldest first.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    readers = progress(events).readers.values()
    found = [decision for reader in readers for decision in reader.standing.values()]
    return sorted(found, key=lambda decision: decision.sequence)


def decisions(
    events: Iterable[AuditEvent], reader: str | None = None
) -> dict[str, RecordedDecision]:
    """Diagnosis to the decision that stands: of one reader, or the latest of any.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    return {d.diagnosis: d for d in standing(events) if reader in (None, d.reader)}


def check_reading(now: Progress, name: str) -> Reader:
    """Refuse work on a reading that has not begun, is still blinded, or is closed.

    Raises:
        ReviewError: with the rule and what to do.
    """
    mine = now.of(name)
    if not mine.opened:
        raise ReviewError(
            "This reader has not opened the case since it was assessed.",
            remedy="open the case before deciding on it.",
        )
    if not mine.shown:
        raise ReviewError(
            "This case needs your own reading before the model's suggestions are shown.",
            remedy="commit your first read.",
        )
    if now.adjudicated is not None:
        raise ReviewError(
            f"{now.adjudicated.adjudicator} has adjudicated this case.",
            remedy="nothing more can be decided unless the case is assessed again.",
        )
    if mine.signature is not None:
        raise ReviewError(
            f"You signed this reading at {mine.signature.recorded[:16]} UTC.",
            remedy="amend it, with a reason, to change it.",
        )
    return mine


def _check_signer(decision: ReviewDecision) -> None:
    if not decision.reader.strip() or len(decision.reader) > MAX_READER:
        raise ReviewError("A decision needs the account name of its reader.", remedy="sign in.")
    if decision.time.tzinfo is None:
        raise ReviewError(
            "The time of a decision needs a time zone.", remedy="give the time in UTC."
        )
    if decision.confidence not in (None, *get_args(Confidence)):
        raise ReviewError(
            "There is no such confidence.", remedy=f"use one of {get_args(Confidence)}, or none."
        )


def _check_subject(decision: ReviewDecision, assessment: Assessment | None, now: Progress) -> None:
    named = decision.assessment_digest
    right = assessment_digest(assessment) if assessment else ""
    if named != right or (assessment and decision.case_id != assessment.case_id):
        raise ReviewError(
            "The decision is about a different case or assessment.",
            remedy="open the case again.",
        )
    if now.subject is None or named not in now.subject.digests:
        raise ReviewError(
            "The case has been assessed again since this assessment was shown.",
            remedy="open the case again and decide on the latest assessment.",
        )


def _suggestion(decision: ReviewDecision, assessment: Assessment | None) -> Suggestion:
    for suggestion in assessment.suggestions if assessment else ():
        if suggestion.diagnosis == decision.diagnosis:
            return suggestion
    raise ReviewError(
        "The assessment makes no suggestion of this diagnosis.",
        remedy="decide on one of its suggestions, or add the diagnosis.",
    )


def _check_added(decision: ReviewDecision, assessment: Assessment | None) -> None:
    suggested = {s.diagnosis: s for s in (assessment.suggestions if assessment else ())}
    known = suggested.get(decision.diagnosis)
    if known is not None and known.withheld_because is None:
        raise ReviewError(
            "This diagnosis is among the suggestions.", remedy="accept it instead of adding it."
        )
    if known is None and not CODED.fullmatch(decision.diagnosis):
        raise ReviewError(
            "Adding a diagnosis needs its code.",
            remedy='choose one from the list or give a code such as "ICD-10:J18.9"; '
            "free text belongs in the comment.",
        )


def _check_action(decision: ReviewDecision, suggestion: Suggestion) -> None:
    if decision.action == "accept" and suggestion.withheld_because is not None:
        raise ReviewError(
            "A withheld suggestion cannot be accepted.",
            remedy="add the diagnosis as your own if you think it is right.",
        )


def _check_reason(decision: ReviewDecision) -> None:
    optional = decision.action in ("accept", "add")
    if decision.reason not in REASONS and (not optional or decision.reason):
        raise ReviewError(
            f"The decision to {decision.action} needs one of the coded reasons.",
            remedy=f"choose one of {', '.join(REASONS)}.",
        )


def _check_replacement(decision: ReviewDecision, assessment: Assessment | None) -> None:
    replacement = decision.replacement
    if decision.action != "modify":
        if replacement:
            raise ReviewError(
                f"The decision to {decision.action} takes no replacement.",
                remedy="choose modify instead.",
            )
        return
    if replacement == decision.diagnosis:
        raise ReviewError(
            "The replacement is the same diagnosis.", remedy="choose another, or accept."
        )
    known = {s.diagnosis for s in (assessment.suggestions if assessment else ())}
    if replacement not in known and not CODED.fullmatch(replacement):
        raise ReviewError(
            "The decision to modify needs a replacement diagnosis.",
            remedy='choose another diagnosis from the list or give a code such as "ICD-10:J18.9"; '
            "free text belongs in the comment.",
        )
