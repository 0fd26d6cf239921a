"""The record as JSON lines: one event, one assessment or one decision a line.

Lines are canonical JSON (`clinical.canonical`): the SHA-256 of a line of assessments.jsonl is the
assessment digest that the events name, and the SHA-256 of a line of events.jsonl without its
"hash" is that hash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Connection

from clinical import assessment, canonical, review, store
from clinical.assessment import AuditEvent
from clinical.audit import ledger
from clinical.errors import LedgerError, StoreError


def event_lines(connection: Connection, case_ids: Collection[str] | None) -> Iterator[bytes]:
    """All events in order, or those of the chosen cases."""
    for event in _events(connection, case_ids):
        yield canonical.dumps(ledger.as_json(event)) + b"\n"


def assessment_lines(connection: Connection, case_ids: Collection[str] | None) -> Iterator[bytes]:
    """Every assessment that the ledger names, once, in the order it was first recorded."""
    seen = set()
    for event in _events(connection, case_ids):
        digest = event.payload.get("assessment") if event.kind == "ASSESSED" else None
        if digest and digest not in seen:
            seen.add(digest)
            try:
                record = assessment.as_json(store.get_assessment(connection, digest))
            except StoreError as error:  # an auditor needs the rest, and this line to say so
                record = {"assessment": digest, "problem": error.message}
            yield canonical.dumps(record) + b"\n"


def decision_lines(connection: Connection, case_ids: Collection[str] | None) -> Iterator[bytes]:
    """Every decision with its comment, superseded and undone ones too; "stands" tells them apart.

    "comment_digest" is the SHA-256 of the canonical JSON of {"salt", "text"}. "problem" says why a
    comment is not there, or is "".
    """
    chosen = ledger.case_ids(connection) if case_ids is None else sorted(case_ids)
    for case_id in chosen:
        try:
            records = list(_decisions(connection, case_id))
        except LedgerError as error:
            records = [{"case_id": case_id, "problem": error.message}]
        for record in records:
            yield canonical.dumps(record) + b"\n"


def _decisions(connection: Connection, case_id: str) -> Iterator[dict[str, Any]]:
    past = list(ledger.events(connection, case_id=case_id))
    standing = {decision.sequence for decision in review.standing(past)}
    for decision in review.history(past):
        salt, text, problem = _comment(connection, decision.comment_digest)
        yield {
            "sequence": decision.sequence,
            "recorded": decision.recorded,
            "case_id": decision.case_id,
            "assessment": decision.assessment_digest,
            "diagnosis": decision.diagnosis,
            "action": decision.action,
            "reason": decision.reason,
            "reader": decision.reader,
            "decided": decision.time.isoformat(),
            "replacement": decision.replacement,
            "confidence": decision.confidence or "",
            "comment": text,
            "comment_salt": salt,
            "comment_digest": decision.comment_digest,
            "problem": problem,
            "stands": decision.sequence in standing,
        }


def _comment(connection: Connection, digest: str) -> tuple[str, str, str]:
    """Salt and text, or why there are none."""
    if not digest:
        return "", "", ""
    try:
        return *store.get_salted_comment(connection, digest), ""
    except StoreError as error:
        return "", "", error.message


def _events(connection: Connection, case_ids: Collection[str] | None) -> Iterator[AuditEvent]:
    chosen = None if case_ids is None else set(case_ids)
    for event in ledger.events(connection):
        if chosen is None or event.case_id in chosen:
            yield event
