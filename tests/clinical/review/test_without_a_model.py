"""Cases that are read as they are, with no assessment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.assessment import AuditEvent, ReviewDecision
from clinical.case.case import Case
from clinical.errors import ReviewError
from clinical.review import decisions, intake, progress, protocol, signature, status
from clinical.review.signature import Signature
from clinical.workspace import store
from clinical.workspace.database import writing

pytestmark = pytest.mark.both_databases


def imported(workspace: Engine, case: Case) -> AuditEvent | None:
    with writing(workspace) as connection:
        return intake.record_import(connection, case, "system")


def past(workspace: Engine) -> list[AuditEvent]:
    with workspace.connect() as connection:
        return list(ledger.events(connection, case_id="case-1"))


def added(example: Any, diagnosis: str) -> ReviewDecision:
    decision: ReviewDecision = example.decision("", action="add", diagnosis=diagnosis)
    return decision


def test_a_case_is_imported_once_and_is_on_the_worklist(workspace: Engine, example: Any) -> None:
    assert imported(workspace, example.case()) is not None
    assert imported(workspace, example.case()) is None
    with workspace.connect() as connection:
        (entry,) = store.worklist(connection)
        assert store.worklist(connection, only=["case-1"]) == [entry]
        assert store.worklist(connection, only=["case-2"]) == []
        assert status.statuses(connection) == {"case-1": "unread"}
        assert status.statuses(connection, only=["case-1"]) == {"case-1": "unread"}
    assert (entry.case_id, entry.assessment_digest, entry.top) == ("case-1", "", None)
    assert entry.used == ("history", "image", "measurements", "notes")
    assert entry.decision_time == example.noon


def test_it_is_annotated_and_signed(workspace: Engine, example: Any) -> None:
    imported(workspace, example.case())
    intake.record_opened(workspace, "case-1", example.reader)
    decisions.decide(workspace, added(example, "ICD-10:J18.9"))
    now = progress.progress(past(workspace))
    digest = signature.decisions_digest(now.of(example.reader))
    wish = Signature("case-1", "", example.reader, "reader", digest, example.noon)
    signature.sign(workspace, wish)

    assert status.status(past(workspace)) == "complete"
    assert list(decisions.decisions(past(workspace))) == ["ICD-10:J18.9"]
    with workspace.connect() as connection:
        assert verify(connection).intact


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"diagnosis": "bacterial_pneumonia"}, "needs its code"),
        ({"action": "accept"}, "no suggestion"),
        ({"action": "reject", "reason": "lab_explains"}, "no suggestion"),
        ({"reader": "dr.bob"}, "has not opened"),
    ],
    ids=str,
)
def test_refused(workspace: Engine, example: Any, changes: dict[str, Any], rule: str) -> None:
    imported(workspace, example.case())
    intake.record_opened(workspace, "case-1", example.reader)
    with pytest.raises(ReviewError, match=rule):
        decisions.decide(workspace, replace(added(example, "ICD-10:J18.9"), **changes))


def test_an_assessment_later_asks_for_a_new_reading(workspace: Engine, example: Any) -> None:
    imported(workspace, example.case())
    intake.record_opened(workspace, "case-1", example.reader)
    decisions.decide(workspace, added(example, "ICD-10:J18.9"))
    case = example.case()
    with writing(workspace) as connection:
        intake.record_assessment(connection, case, example.assessment(case), "system")
        (entry,) = store.worklist(connection)
    assert entry.assessment_digest
    assert status.status(past(workspace)) == "unread"
    assert imported(workspace, case) is None, "it is there already, with these inputs"
    with pytest.raises(ReviewError, match="assessed with different inputs"):
        imported(workspace, example.case(note="Another note."))


def test_another_patient_cannot_take_the_name(workspace: Engine, example: Any) -> None:
    imported(workspace, example.case())
    with pytest.raises(ReviewError, match="another patient"):
        imported(workspace, replace(example.case(), patient_id="somebody else"))


def test_a_first_read_is_not_asked_where_there_is_no_machine(
    workspace: Engine, example: Any
) -> None:
    protocol.set_protocol(workspace, protocol.Protocol(first_read=True), "system")
    imported(workspace, example.case())
    intake.record_opened(workspace, "case-1", example.reader)
    decisions.decide(workspace, added(example, "ICD-10:J18.9"))
