"""The rules of review, read as a table, and status as a fold over events."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.assessment import ReviewDecision
from clinical.errors import ReviewError
from clinical.review import comment, decisions, intake
from clinical.review import status as status_rules
from clinical.workspace import comments, store
from clinical.workspace.database import writing

pytestmark = pytest.mark.both_databases


def past_of(workspace: Engine, case_id: str = "case-1") -> list[Any]:
    with workspace.connect() as connection:
        return list(ledger.events(connection, case_id=case_id))


ALLOWED: list[dict[str, Any]] = [
    {},
    {"comment": "Agreed."},
    {"reason": "already_known"},
    {"action": "reject", "reason": "finding_is_artifact"},
    {"action": "reject", "reason": "other", "comment": "Rotated film."},
    {"action": "modify", "reason": "lab_explains", "replacement": "heart_failure"},
    {"action": "modify", "reason": "lab_explains", "replacement": "ICD-10:J18.9"},
    {
        "action": "reject",
        "reason": "not_clinically_plausible",
        "diagnosis": "pulmonary_embolism",
    },
    {"comment": "x" * comment.MAX_COMMENT},
]

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"action": "reject"}, "coded reasons"),
    ({"action": "reject", "reason": "because"}, "coded reasons"),
    ({"reason": "because"}, "coded reasons"),
    ({"action": "modify", "replacement": "heart_failure"}, "coded reasons"),
    ({"action": "modify", "reason": "lab_explains"}, "needs a replacement"),
    (
        {"action": "modify", "reason": "lab_explains", "replacement": "bacterial_pneumonia"},
        "same diagnosis",
    ),
    (
        {"action": "modify", "reason": "lab_explains", "replacement": "Mrs Smith says asthma"},
        "needs a replacement",
    ),
    ({"replacement": "heart_failure"}, "takes no replacement"),
    (
        {"action": "reject", "reason": "lab_explains", "replacement": "heart_failure"},
        "takes no replacement",
    ),
    ({"diagnosis": "pulmonary_embolism"}, "withheld"),
    ({"diagnosis": "gout"}, "no suggestion"),
    ({"action": "ignore"}, "no such action"),
    ({"action": "reject", "reason": "other", "comment": "  "}, "needs a comment"),
    ({"comment": "x" * (comment.MAX_COMMENT + 1)}, "more than"),
    ({"comment": "half \ud83d"}, "Unicode"),
    ({"reader": " "}, "account name"),
    ({"reader": "dr.bob"}, "has not opened"),
    ({"time": datetime(2025, 3, 4)}, "time zone"),
    ({"case_id": "case-2"}, "a different case"),
]


@pytest.mark.parametrize("changes", ALLOWED, ids=str)
def test_allowed(workspace: Engine, example: Any, changes: dict[str, Any]) -> None:
    digest, assessment = example.recorded(workspace)
    decision = example.decision(digest, **changes)
    assert decisions.can_decide(decision, assessment, past_of(workspace))
    event = decisions.decide(workspace, decision)
    (recorded,) = decisions.history(past_of(workspace))
    assert (recorded.sequence, recorded.reader) == (event.sequence, example.reader)
    assert recorded.action == decision.action
    with workspace.connect() as connection:
        assert verify(connection).intact
        if decision.comment:
            assert comments.get(connection, recorded.comment_digest) == decision.comment


@pytest.mark.parametrize(("changes", "rule"), REFUSED, ids=lambda value: str(value)[:40])
def test_refused(workspace: Engine, example: Any, changes: dict[str, Any], rule: str) -> None:
    digest, assessment = example.recorded(workspace)
    decision: ReviewDecision = example.decision(digest, **changes)
    before = past_of(workspace)
    assert not decisions.can_decide(decision, assessment, before)
    with pytest.raises(ReviewError, match=rule) as caught:
        decisions.decide(workspace, decision)
    assert caught.value.remedy
    assert past_of(workspace) == before
    assert decision.comment.strip() == "" or decision.comment not in str(caught.value)


def test_a_case_has_to_be_opened_after_it_was_assessed_again(
    workspace: Engine, example: Any
) -> None:
    digest, assessment = example.recorded(workspace)
    again = replace(assessment, conflicts=())
    with writing(workspace) as connection:
        assert intake.record_assessment(connection, example.case(), again, "system")
        newer = store.latest_assessment(connection, "case-1")
    assert newer is not None
    with pytest.raises(ReviewError, match="assessed again"):
        decisions.decide(workspace, example.decision(digest))
    with pytest.raises(ReviewError, match="has not opened"):
        decisions.decide(workspace, example.decision(newer[0]))
    intake.record_opened(workspace, "case-1", example.reader)
    assert decisions.decide(workspace, example.decision(newer[0])).kind == "DECIDED"


def test_a_later_decision_supersedes_and_the_earlier_one_stays(
    workspace: Engine, example: Any
) -> None:
    digest, _ = example.recorded(workspace)
    decisions.decide(workspace, example.decision(digest))
    decisions.decide(workspace, example.decision(digest, action="reject", reason="lab_explains"))
    past = past_of(workspace)
    assert {k: d.action for k, d in decisions.decisions(past).items()} == {
        "bacterial_pneumonia": "reject"
    }
    assert [d.action for d in decisions.history(past)] == ["accept", "reject"]


def test_decisions_on_an_earlier_assessment_do_not_stand_for_the_new_one(
    workspace: Engine, example: Any
) -> None:
    digest, assessment = example.recorded(workspace)
    decisions.decide(workspace, example.decision(digest))
    with writing(workspace) as connection:
        again = replace(assessment, conflicts=())
        intake.record_assessment(connection, example.case(), again, "system")
    past = past_of(workspace)
    assert decisions.decisions(past) == {}
    assert len(decisions.history(past)) == 1
    assert status_rules.status(past) == "unread"


def test_recording_the_latest_assessment_again_appends_nothing(
    workspace: Engine, example: Any
) -> None:
    case = example.case()
    first, second = example.assessment(case), example.assessment(case, model="other")
    with writing(workspace) as connection:
        made = [
            intake.record_assessment(connection, case, assessment, "system") is not None
            for assessment in (first, first, second, second, first)
        ]
    assert made == [True, False, True, False, True]


def test_the_event_of_an_assessment_says_what_was_flagged(workspace: Engine, example: Any) -> None:
    _, assessment = example.recorded(workspace)
    payload = past_of(workspace)[0].payload
    assert payload["flags"] == {"out_of_distribution": True, "conflicts": 1, "withheld": 1}
    assert (payload["used"], payload["missing"]) == (list(assessment.used), ["ecg"])
    assert payload["model"]["digest"] == assessment.model.digest


def test_an_assessment_of_other_inputs_is_refused(workspace: Engine, example: Any) -> None:
    case = example.case()
    with writing(workspace) as connection, pytest.raises(ReviewError, match="does not belong"):
        intake.record_assessment(
            connection, case.without("image"), example.assessment(case), "system"
        )


def test_no_patient_text_enters_the_ledger(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    decisions.decide(workspace, example.decision(digest, comment="Spoke with Mrs Smith."))
    ledger_text = str([ledger.as_json(event) for event in past_of(workspace)])
    for secret in ("patient of", "Cough", "hypertension", "184", "Smith"):
        # As a word: digests and microseconds hold every run of digits sooner or later.
        assert not re.search(rf"\b{secret}\b", ledger_text)


# Status


def test_status_walks_from_unread_to_reviewed(workspace: Engine, example: Any) -> None:
    def now() -> str:
        return status_rules.status(past_of(workspace))

    assert now() == "unassessed"
    case = example.case()
    with pytest.raises(ReviewError, match="no assessment"):
        intake.record_opened(workspace, "case-1", example.reader)
    with writing(workspace) as connection:
        intake.record_assessment(connection, case, example.assessment(case), "system")
    assert now() == "unread"
    intake.record_opened(workspace, "case-1", example.reader)
    assert now() == "opened"
    with workspace.connect() as connection:
        latest = store.latest_assessment(connection, "case-1")
    assert latest is not None
    no = {"action": "reject", "reason": "lab_explains", "diagnosis": "heart_failure"}
    decisions.decide(workspace, example.decision(latest[0], **no))
    assert now() == "in_review", "the suggestion above its threshold is not decided yet"
    decisions.decide(workspace, example.decision(latest[0]))
    assert now() == "reviewed"
    intake.record_opened(workspace, "case-1", "dr.bob", time=example.noon + timedelta(hours=1))
    assert now() == "reviewed"
    with workspace.connect() as connection:
        assert status_rules.statuses(connection) == {"case-1": "reviewed"}


def test_every_status_can_be_reached_and_left() -> None:
    reached = {status for steps in status_rules.TRANSITIONS.values() for status in steps.values()}
    assert reached | {"unassessed"} == set(status_rules.TRANSITIONS)
    assert all(steps.get("assessed") == "unread" for steps in status_rules.TRANSITIONS.values())


def test_the_name_of_a_case_cannot_pass_to_another_patient(workspace: Engine, example: Any) -> None:
    example.recorded(workspace)
    stranger = replace(example.case(), patient_id="somebody else")
    with writing(workspace) as connection, pytest.raises(ReviewError, match="another patient"):
        intake.record_assessment(connection, stranger, example.assessment(stranger), "system")
