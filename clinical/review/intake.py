"""What readers are given: an assessed case, a case without an assessment, an opened case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from clinical.access.roles import Role
from clinical.audit import ledger
from clinical.case.assessment import Assessment, AuditEvent, assessment_digest
from clinical.case.case import Case, input_digest, record_digest
from clinical.conditions import Conditions
from clinical.errors import ReviewError
from clinical.review.pinned import pinned
from clinical.review.progress import progress, withheld
from clinical.review.protocol import in_force
from clinical.workspace import store
from clinical.workspace.database import writing

ADDED = "added-"
"""What the names of cases begin with that nobody has named."""

SEARCHED = 100  # events, the newest first

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Made:
    """What one model made of a case, and under what it was computed, where that is known."""

    assessment: Assessment
    conditions: Conditions | None = None


def record_assessment(
    connection: Connection,
    case: Case,
    assessment: Assessment,
    actor: str,
    *,
    conditions: Conditions | None = None,
    time: datetime | None = None,
) -> AuditEvent | None:
    """`record_assessments` of a case that one model was asked about; the event, if there is one."""
    made = [Made(assessment, conditions)]
    recorded = record_assessments(connection, case, made, actor, time=time)
    return recorded[0] if recorded else None


def record_assessments(
    connection: Connection,
    case: Case,
    made: Sequence[Made],
    actor: str,
    *,
    time: datetime | None = None,
) -> list[AuditEvent]:
    """Store a case and what every model made of it, and append an ASSESSED for each, all in the
    caller's transaction.

    The last assessment is the one that readers begin with; an event names those before it
    (`beside`). Each event binds the whole record of the case. Where they are the case's latest
    already, nothing is stored: site and problems stay those that were recorded. The conditions
    say under what each was computed; a replay compares them.

    Returns:
        The events, or none where these assessments are the case's latest already (a page that
        runs again, a batch that resumes).

    Raises:
        ReviewError: if an assessment is of another case or of other inputs, or the workspace
            holds a case of that name of another patient.
    """
    inputs = input_digest(case)
    if any((a.case_id, a.input_digest) != (case.case_id, inputs) for a in _assessments(made)):
        raise ReviewError(
            f"The assessment does not belong to case {case.case_id} and its inputs.",
            remedy="assess the case again.",
        )
    _check_patient(connection, case)
    digests = [assessment_digest(one) for one in _assessments(made)]
    past = [e for e in _since_purge(connection, case.case_id) if e.kind == "ASSESSED"]
    if past and _says(past[-1], digests):
        return []
    store.put_case(connection, case)
    bound = {"record": record_digest(case)}
    recorded: list[AuditEvent] = []
    for place, one in enumerate(made):
        before = _assessments(made[:place])
        digest = store.put_assessment(connection, one.assessment, before)
        payload = _assessed_payload(one.assessment, digest) | pinned(one.assessment, one.conditions)
        payload |= bound
        if place:
            payload["beside"] = digests[:place]
        recorded.append(
            ledger.append(
                connection,
                "ASSESSED",
                actor=actor,
                case_id=case.case_id,
                payload=payload,
                time=time,
            )
        )
    return recorded


def record_import(
    connection: Connection, case: Case, actor: str, *, time: datetime | None = None
) -> AuditEvent | None:
    """Store a case to be read without a model and append IMPORTED, in the caller's transaction.

    Returns:
        The event, or None where the workspace holds the case with these inputs already.

    Raises:
        ReviewError: if the workspace holds a case of that name of another patient, or an
            assessment of the case with other inputs.
    """
    _check_patient(connection, case)
    past = _since_purge(connection, case.case_id)
    inputs = input_digest(case)
    brought = [e for e in past if e.kind in ("ASSESSED", "IMPORTED")]
    if brought and brought[-1].payload.get("input") == inputs:
        return None
    if any(event.kind == "ASSESSED" for event in brought):
        raise ReviewError(
            f"Case {case.case_id} was assessed with different inputs.",
            remedy="assess the case again, or import it into a workspace of its own.",
        )
    store.put_case(connection, case)
    payload = {"input": inputs, "inputs": sorted(case.inputs), "record": record_digest(case)}
    return ledger.append(
        connection, "IMPORTED", actor=actor, case_id=case.case_id, payload=payload, time=time
    )


def record_added(
    connection: Connection,
    case: Case,
    actor: str,
    *,
    corrects: str | None = None,
    assembled: Mapping[str, object] | None = None,
    time: datetime | None = None,
) -> AuditEvent:
    """Store a case that somebody entered on the page, or that was put together from what arrived,
    and append IMPORTED, in the caller's transaction; it is read without a model until it is
    assessed.

    A correction is a new version: the one before stays in the store with its assessments, and all
    that was decided on it in the ledger; readers read the case again.

    Args:
        connection: of the transaction.
        case: with its pixels.
        actor: who entered it.
        corrects: record digest of the version that this one takes the place of; None for a case
            that is new to the workspace.
        assembled: how it was put together, for one that nobody entered.
        time: when; now if left out.

    Raises:
        ReviewError: if a new case has a name that the workspace knows, a correction is of another
            patient, or of a version that is not the latest any more or says the same.
    """
    current = store.record_of(connection, case.case_id)
    if corrects is None and knows(connection, case.case_id):
        raise ReviewError(
            f"The workspace knows a case {case.case_id} already.",
            remedy="give the new case another name, or choose to correct that one.",
        )
    if corrects is not None and current != corrects:
        raise ReviewError(
            "The case was changed by somebody else since this correction was begun.",
            remedy="look at the case as it is now, and begin the correction again.",
        )
    _check_patient(connection, case)
    record = record_digest(case)
    if record == corrects:
        raise ReviewError("The correction changes nothing.", remedy="leave the case as it is.")
    store.put_case(connection, case)
    store.unlist(connection, case.case_id)
    payload: dict[str, object] = {
        "input": input_digest(case),
        "inputs": sorted(case.inputs),
        "record": record,
        "added": _how(corrects, assembled),
    }
    if corrects is not None:
        payload["corrects"] = corrects
    if assembled is not None:
        payload["assembled"] = dict(assembled)
    return ledger.append(
        connection, "IMPORTED", actor=actor, case_id=case.case_id, payload=payload, time=time
    )


def _how(corrects: str | None, assembled: Mapping[str, object] | None) -> str:
    if assembled is None:
        return "new" if corrects is None else "correction"
    return "received" if corrects is None else "received again"


def knows(connection: Connection, case_id: str) -> bool:
    """Whether the workspace has, or had before a purge, a case of this name."""
    return (
        ledger.first_of(connection, case_id) > 0 or store.record_of(connection, case_id) is not None
    )


def waiting(connection: Connection, most: int) -> list[str]:
    """The cases that were added on the page last and that no model has assessed since."""
    names = dict.fromkeys(event.case_id for event in ledger.added(connection, SEARCHED))
    entries = store.worklist(connection, only=names.keys())
    bare = {entry.case_id for entry in entries if not entry.assessment_digest}
    return [name for name in names if name in bare][:most]


def next_free(connection: Connection) -> str:
    """A name for a case that no case has or had: "added-0007"."""
    taken = [name.removeprefix(ADDED) for name in ledger.cases_like(connection, ADDED)]
    last = max((int(number) for number in taken if _NUMBER.fullmatch(number)), default=0)
    return f"{ADDED}{last + 1:04d}"


def record_opened(
    engine: Engine,
    case_id: str,
    reader: str,
    *,
    role: Role = "reader",
    time: datetime | None = None,
) -> AuditEvent:
    """Append OPENED: `reader` has the case on the screen, and its assessment unless withheld.

    Raises:
        ReviewError: if the case was neither assessed nor imported.
    """
    with writing(engine) as connection:
        now = progress(ledger.events(connection, case_id=case_id))
        if now.subject is None:
            raise ReviewError(
                f"Case {case_id} has no assessment and was not imported.",
                remedy="assess or import it first.",
            )
        payload: dict[str, object] = {"assessment": now.subject.digest}
        if withheld(now, reader, role, in_force(connection), case_id):
            payload["withheld"] = True
        return ledger.append(
            connection, "OPENED", actor=reader, case_id=case_id, payload=payload, time=time
        )


def to_decide(assessment: Assessment) -> list[str]:
    """Diagnoses that a reader has to decide on before the case counts as reviewed.

    Those shown at or above their threshold; where there is none, one decision on anything will do.
    """
    return [
        s.diagnosis
        for s in assessment.suggestions
        if s.withheld_because is None and s.probability >= s.threshold
    ]


def _since_purge(connection: Connection, case_id: str) -> list[AuditEvent]:
    """Events of a case since its last purge; what came before says nothing about it."""
    past = list(ledger.events(connection, case_id=case_id))
    purged = max((e.sequence for e in past if e.kind == "PURGED"), default=0)
    return [event for event in past if event.sequence > purged]


def _check_patient(connection: Connection, case: Case) -> None:
    known = store.patient_of(connection, case.case_id)
    if known is not None and known != case.patient_id:
        raise ReviewError(
            f"The workspace holds case {case.case_id} of another patient already.",
            remedy="use a separate workspace for each cohort.",
        )


def _assessments(made: Iterable[Made]) -> list[Assessment]:
    return [one.assessment for one in made]


def _says(event: AuditEvent, digests: Sequence[str]) -> bool:
    """Whether an ASSESSED event is of the last of these assessments, beside the others."""
    return [*event.payload.get("beside", []), event.payload.get("assessment")] == list(digests)


def _assessed_payload(assessment: Assessment, digest: str) -> dict[str, object]:
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
