"""Does the store still hold what an event names, or say by which event it was purged?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from clinical import canonical
from clinical.audit import ledger, retention
from clinical.audit.fault import Broken
from clinical.workspace.database import ASSESSMENTS, CASES, COMMENTS


def check(connection: Connection, event: Mapping[str, Any]) -> None:
    """Check what an event names.

    Raises:
        Broken: if it is missing or changed and no later event says that it was purged, or the
            event says that something was purged which is still there.
    """
    payload = event["payload"]
    if event["kind"] == "PURGED":
        _check_purged(connection, event)
        return
    if event["kind"] == "ASSESSED":
        _check_assessment(connection, event)
    if event["kind"] in ("ASSESSED", "IMPORTED"):
        _check_case(connection, event)
    if comment := payload.get("comment"):  # whatever kind of event holds one
        _check_comment(connection, event, comment)


def _missing(connection: Connection, event: Mapping[str, Any], listed: str, digest: Any) -> None:
    """Something is not there: lawful only where a later event of the case purged it."""
    number = event["sequence"]
    if retention.find(connection, event["case_id"], number, listed, digest) is None:
        what = {"assessments": "assessment", "inputs": "case", "comments": "comment"}[listed]
        raise Broken(number, f"the {what} that it names is missing from the store")


def _check_purged(connection: Connection, event: Mapping[str, Any]) -> None:
    case_id, number, payload = event["case_id"], event["sequence"], event["payload"]
    back: set[Any] = set()  # what was brought again later
    for later in ledger.events(connection, case_id=case_id, after=number):
        if later.kind in ("ASSESSED", "IMPORTED"):
            back |= {later.payload.get("assessment"), later.payload.get("input")}
    there = [
        select(ASSESSMENTS.c.digest).where(ASSESSMENTS.c.case_id == case_id),
        select(CASES.c.input_digest).where(CASES.c.case_id == case_id),
        select(COMMENTS.c.digest).where(COMMENTS.c.digest.in_(payload.get("comments", ()))),
    ]
    stored = {digest for query in there for digest in connection.execute(query).scalars()}
    purged = {
        d for listed in ("assessments", "inputs", "comments") for d in payload.get(listed, ())
    }
    if stored & purged - back:
        raise Broken(number, "it says that the case was purged, but the store still holds it")


def _check_assessment(connection: Connection, event: Mapping[str, Any]) -> None:
    number, digest = event["sequence"], event["payload"].get("assessment")
    query = select(ASSESSMENTS.c.record).where(ASSESSMENTS.c.digest == digest)
    record = connection.execute(query).scalar_one_or_none()
    if record is None:
        _missing(connection, event, "assessments", digest)
    elif canonical.sha256(record.encode()) != digest:
        raise Broken(number, "the assessment that it names was changed in the store")


def _check_case(connection: Connection, event: Mapping[str, Any]) -> None:
    number, digest = event["sequence"], event["payload"].get("input")
    query = select(CASES.c.record, CASES.c.record_digest).where(
        CASES.c.case_id == event["case_id"], CASES.c.input_digest == digest
    )
    rows = connection.execute(query).all()
    if not rows:
        _missing(connection, event, "inputs", digest)
    for row in rows:
        if canonical.sha256(row.record.encode()) != row.record_digest:
            raise Broken(number, "the case that it names was changed in the store")
        seen = json.loads(row.record)
        inputs = {"decision_time": seen["decision_time"], "inputs": seen["inputs"]}
        if canonical.digest(inputs) != digest:
            raise Broken(number, "the inputs of the case that it names were changed in the store")


def _check_comment(connection: Connection, event: Mapping[str, Any], digest: str) -> None:
    row = connection.execute(select(COMMENTS).where(COMMENTS.c.digest == digest)).one_or_none()
    if row is None:
        _missing(connection, event, "comments", digest)
    elif canonical.digest({"salt": row.salt, "text": row.text}) != digest:
        raise Broken(event["sequence"], "the comment that it names was changed in the store")
