"""Cases that a reader adds and corrects: versions, names, and what the record says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.assessment import AuditEvent
from clinical.case.case import Case, record_digest
from clinical.errors import ReviewError
from clinical.review import intake, status
from clinical.workspace import store
from clinical.workspace.database import writing

pytestmark = pytest.mark.both_databases


def added(workspace: Engine, case: Case, corrects: str | None = None) -> AuditEvent:
    with writing(workspace) as connection:
        return intake.record_added(connection, case, "dr.first", corrects=corrects)


def test_a_case_is_added_under_the_name_of_who_did_it(workspace: Engine, example: Any) -> None:
    event = added(workspace, example.case())
    assert (event.kind, event.actor, event.payload["added"]) == ("IMPORTED", "dr.first", "new")
    assert event.payload["record"] == record_digest(example.case())
    assert "Cough" not in str(event.payload), "digests and names of inputs alone"
    with workspace.connect() as connection:
        assert status.statuses(connection) == {"case-1": "unread"}
        assert verify(connection).intact


def test_a_name_that_is_taken_is_no_version_of_that_case(workspace: Engine, example: Any) -> None:
    added(workspace, example.case())
    with pytest.raises(ReviewError, match="knows a case case-1 already"):
        added(workspace, replace(example.case(), site="other"))


def test_a_correction_is_a_new_version_and_the_old_one_stays(
    workspace: Engine, example: Any
) -> None:
    case = example.case()
    with writing(workspace) as connection:
        intake.record_assessment(connection, case, example.assessment(case), "system")
    before = record_digest(case)
    corrected = replace(case, inputs={**case.inputs, "notes": example.case().inputs["notes"]})
    corrected = corrected.without("measurements")
    event = added(workspace, corrected, corrects=before)
    assert event.payload["corrects"] == before
    with workspace.connect() as connection:
        (entry,) = store.worklist(connection)
        assert (entry.assessment_digest, entry.top) == ("", None)
        assert store.get_case(connection, "case-1").inputs.keys() == corrected.inputs.keys()
        first = next(ledger.events(connection, case_id="case-1"))
        old = store.get_case(connection, "case-1", input_digest=first.payload["input"])
        assert record_digest(old) == before
        assert store.get_assessment(connection, first.payload["assessment"])
        assert status.statuses(connection) == {"case-1": "unread"}
        assert verify(connection).intact


def test_two_corrections_of_one_version_do_not_pass_each_other(
    workspace: Engine, example: Any
) -> None:
    case = example.case()
    added(workspace, case)
    before = record_digest(case)
    added(workspace, case.without("notes"), corrects=before)
    with pytest.raises(ReviewError, match="changed by somebody else"):
        added(workspace, case.without("image"), corrects=before)


def test_a_correction_of_another_patient_or_of_nothing_is_refused(
    workspace: Engine, example: Any
) -> None:
    case = example.case()
    added(workspace, case)
    before = record_digest(case)
    with pytest.raises(ReviewError, match="of another patient"):
        added(workspace, replace(case, patient_id="somebody else"), corrects=before)
    with pytest.raises(ReviewError, match="changes nothing"):
        added(workspace, case, corrects=before)


def test_the_next_free_name_was_never_given(workspace: Engine, example: Any) -> None:
    with workspace.connect() as connection:
        assert intake.next_free(connection) == "added-0001"
    added(workspace, replace(example.case(), case_id="added-0041"))
    added(workspace, replace(example.case(), case_id="added-x"))
    with workspace.connect() as connection:
        assert intake.next_free(connection) == "added-0042"
        assert intake.knows(connection, "added-0041")
        assert not intake.knows(connection, "added-0042")


def test_what_was_added_and_not_assessed_waits(workspace: Engine, example: Any) -> None:
    one, two = (replace(example.case(), case_id=f"added-000{n}") for n in (1, 2))
    added(workspace, one)
    added(workspace, two)
    with writing(workspace) as connection:
        intake.record_import(connection, replace(one, case_id="brought"), "system")
    with workspace.connect() as connection:
        assert intake.waiting(connection, 9) == ["added-0002", "added-0001"]
        assert intake.waiting(connection, 1) == ["added-0002"]
        versions = store.versions(connection, "added-0001")
    assert versions["record"] == record_digest(one)
    with writing(workspace) as connection:
        intake.record_assessment(connection, two, example.assessment(two), "system")
    with workspace.connect() as connection:
        assert intake.waiting(connection, 9) == ["added-0001"]
