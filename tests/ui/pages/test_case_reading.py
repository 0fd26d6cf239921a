"""One reading on the page: first read, decisions, undo, signature, second reader, adjudication."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import reading_fixture
from form_fields import in_form
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from clinical.audit import ledger, verify
from clinical.case.assessment import AuditEvent
from clinical.review import decisions, intake
from clinical.review import protocol as protocol_rules
from clinical.review.protocol import Protocol
from clinical.workspace.database import open_workspace, writing

OpenPage = Callable[..., AppTest]

MACHINE = ("81%", "not ruled out", "speak for heart failure", "+14%", "46% of this", '"box":')
"""What only the assessment of CASE-000 says; the box is that of a heat map."""


def shown(page: AppTest) -> str:
    """All HTML on the page."""
    return "\n".join(element.proto.body for element in page.get("html"))


def sent(page: AppTest) -> str:
    """Everything that the page would send to the browser, components too, but their code."""
    pieces: list[str] = []
    waiting = list(page._tree.children.values())
    while waiting:
        node = waiting.pop()
        waiting += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        if proto is not None:
            pieces.append(proto.SerializeToString().decode("utf-8", "replace"))
    return "\n".join(pieces)


def labelled(page: AppTest, label: str) -> Button:
    return next(button for button in page.button if button.label == label)


def events(workspace: Path, case_id: str = "CASE-000") -> list[AuditEvent]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = list(ledger.events(connection, case_id=case_id))
        assert verify.verify(connection).intact
    engine.dispose()
    return found


def kinds(workspace: Path) -> list[str]:
    return [event.kind for event in events(workspace)]


@pytest.fixture
def protocol(workspace: Path) -> Callable[..., None]:
    def change(**wanted: object) -> None:
        engine = open_workspace(workspace)
        protocol_rules.set_protocol(engine, Protocol(**wanted), "dr.chief")  # type: ignore[arg-type]
        engine.dispose()

    return change


def sign(page: AppTest) -> AppTest:
    page.button(key="sign").click().run()
    return page.button(key="confirm-sign").click().run()


def accept_and_sign(page: AppTest) -> AppTest:
    return sign(page.button(key="accept").click().run())


def reject(page: AppTest) -> AppTest:
    page.button(key="reject").click().run()
    in_form(page.selectbox, "reason").select("lab_explains")
    return labelled(page, "Record rejection").click().run()


# First read


def test_nothing_of_the_machine_is_sent_before_the_first_read(
    open_page: OpenPage, workspace: Path, protocol: Callable[..., None]
) -> None:
    assert all(word in sent(open_page(case_id="CASE-000")) for word in MACHINE)
    protocol(first_read=True)
    page = open_page(reader="dr.new", case_id="CASE-000")

    everything = sent(page)
    assert [word for word in MACHINE if word in everything] == []
    assert "withheld until you commit your own reading" in shown(page)
    assert "C-reactive protein" in shown(page), "the case itself is there"
    assert not any(button.key in ("accept", "sign") for button in page.button)
    assert events(workspace)[-1].payload["withheld"] is True


def test_the_worklist_does_not_give_it_away_either(
    open_page: OpenPage, protocol: Callable[..., None]
) -> None:
    open_page(case_id="CASE-001")
    protocol(first_read=True)
    found = sent(open_page())

    assert found.count("81%") == 1, "the one case that dr.test has seen"
    assert sent(open_page(reader="dr.new")).count("81%") == 0
    assert sent(open_page(reader="dr.eve", role="auditor")).count("81%") == 12


def test_a_first_read_is_committed_with_confidence_and_then_the_machine_is_shown(
    open_page: OpenPage, workspace: Path, protocol: Callable[..., None]
) -> None:
    protocol(first_read=True)
    page = open_page(case_id="CASE-000")
    page.multiselect[0].select("pneumothorax").select("heart_failure").run()
    assert page.button(key="commit").disabled, "confidence is missing"
    for name, sure in (("pneumothorax", "high"), ("heart_failure", "low")):
        page.segmented_control(key=f"first-read-CASE-000-{name}").set_value(sure).run()
    page.button(key="commit").click().run()

    assert kinds(workspace)[-2:] == ["FIRST_READ", "SHOWN"]
    assert events(workspace)[-2].payload["differential"] == [
        {"diagnosis": "pneumothorax", "confidence": "high"},
        {"diagnosis": "heart_failure", "confidence": "low"},
    ]
    assert "81%" in sent(page)
    assert "1. Pneumothorax (high); 2. Heart failure (low)" in shown(page)


def test_no_diagnosis_is_a_first_read_too(
    open_page: OpenPage, workspace: Path, protocol: Callable[..., None]
) -> None:
    protocol(first_read=True)
    page = open_page(case_id="CASE-000")
    page.button(key="commit-none").click().run()

    assert events(workspace)[-2].payload["differential"] == []
    assert "No diagnosis" in shown(page)


def test_a_code_that_is_none_is_refused_in_words(
    open_page: OpenPage, workspace: Path, protocol: Callable[..., None]
) -> None:
    protocol(first_read=True)
    page = open_page(case_id="CASE-000")
    page.text_input(key="first-read-code-CASE-000").input("a cold").run()
    page.segmented_control(key="first-read-CASE-000-a cold").set_value("low").run()
    page.button(key="commit").click().run()

    assert "diagnoses from the list, or codes" in page.error[0].value
    assert kinds(workspace)[-1] == "OPENED"


def test_a_protocol_that_ends_while_the_case_is_open_shows_the_machine(
    open_page: OpenPage, workspace: Path, protocol: Callable[..., None]
) -> None:
    protocol(first_read=True)
    page = open_page(case_id="CASE-000")
    protocol(first_read=False)
    page.run()
    page.button(key="accept").click().run()

    assert kinds(workspace) == ["ASSESSED", "OPENED", "OPENED", "DECIDED"]


# Decisions


def test_a_diagnosis_is_added_by_search_with_confidence_and_taken_back(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="add").click().run()
    in_form(page.selectbox, "added-diagnosis").select("ICD-10:J85.2")
    in_form(page.segmented_control, "added-confidence").set_value("medium")
    labelled(page, "Record diagnosis").click().run()

    added = events(workspace)[-1]
    assert (added.payload["action"], added.payload["diagnosis"]) == ("add", "ICD-10:J85.2")
    assert added.payload["confidence"] == "medium"
    assert "Abscess of lung (ICD-10 J85.2), medium confidence" in shown(page)
    labelled(page, "Undo").click().run()
    assert events(workspace)[-1].payload["takes_back"] == added.sequence
    assert "undone" in shown(page)


def test_what_the_model_suggests_is_not_offered_again_but_what_it_withholds_is(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="add").click().run()
    offered = in_form(page.selectbox, "added-diagnosis").options
    assert not [name for name in offered if name.startswith(("Pneumothorax ", "Heart failure "))]
    in_form(page.selectbox, "added-diagnosis").select("pulmonary_embolism")
    labelled(page, "Record diagnosis").click().run()
    assert events(workspace)[-1].payload["diagnosis"] == "pulmonary_embolism"


def test_a_typed_code_counts(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="add").click().run()
    in_form(page.text_input, "added-diagnosis-code").input("SNOMED:233604007")
    labelled(page, "Record diagnosis").click().run()
    assert events(workspace)[-1].payload["diagnosis"] == "SNOMED:233604007"


def test_accept_carries_the_confidence_that_was_chosen(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page(case_id="CASE-000")
    page.segmented_control(key="confidence-CASE-000-bacterial_pneumonia").set_value("high").run()
    page.button(key="accept").click().run()
    assert events(workspace)[-1].payload["confidence"] == "high"
    assert "high confidence" in shown(page)


def test_undo_lets_the_decision_before_stand_again(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    assert page.button(key="undo").disabled
    page.button(key="accept").click().run()
    reject(page)
    assert "rejected by you" in shown(page)
    page.button(key="undo").click().run()

    assert kinds(workspace)[-1] == "UNDONE"
    assert "accepted by you" in shown(page)


# Signature


def test_signing_says_what_and_as_whom_and_closes_the_reading(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page(case_id="CASE-000")
    assert page.button(key="sign").disabled
    assert "Before signing, decide on: bacterial pneumonia" in shown(page)
    page.button(key="accept").click().run()
    page.button(key="sign").click().run()
    assert "Bacterial pneumonia: accepted" in shown(page)
    assert "Sign as dr.test: I have reviewed this case and these are my decisions." in shown(page)
    page.button(key="confirm-sign").click().run()

    assert kinds(workspace)[-2:] == ["SIGNED", "TIMED"]
    assert events(workspace)[-1].payload["active_seconds"] >= 0
    assert events(workspace)[-1].payload["first_interaction"]
    assert "by dr.test (reader) at " in shown(page)
    assert not any(button.key in ("accept", "add", "undo", "sign") for button in page.button)


def test_cancel_signs_nothing(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="accept").click().run()
    page.button(key="sign").click().run()
    page.button(key="cancel-sign").click().run()
    assert kinds(workspace)[-1] == "DECIDED"


def test_a_signed_reading_is_reopened_with_a_reason_and_signed_again(
    open_page: OpenPage, workspace: Path
) -> None:
    page = accept_and_sign(open_page(case_id="CASE-000"))
    page.button(key="amend").click().run()
    labelled(page, "Reopen").click().run()
    assert "coded reasons" in page.error[0].value
    in_form(page.selectbox, "amend-reason").select("mistake")
    labelled(page, "Reopen").click().run()
    assert kinds(workspace)[-1] == "AMENDED"
    sign(reject(page))
    assert kinds(workspace)[-4:] == ["AMENDED", "DECIDED", "SIGNED", "TIMED"]


def test_what_is_signed_is_what_was_on_the_screen(open_page: OpenPage, workspace: Path) -> None:
    """Another window of the same reader changed a decision after this one showed it."""
    here = open_page(case_id="CASE-000")
    here.button(key="accept").click().run()
    here.button(key="sign").click().run()
    reject(open_page(case_id="CASE-000"))
    here.button(key="confirm-sign").click().run()
    assert "changed in another window" in here.error[0].value
    assert kinds(workspace)[-1] == "DECIDED"
    here.button(key="confirm-sign").click().run()  # seen now, and meant
    assert kinds(workspace)[-2:] == ["SIGNED", "TIMED"]


def test_a_click_does_not_count_for_an_assessment_that_was_never_shown(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page(case_id="CASE-001")
    case = reading_fixture.make_case(1)
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        other = reading_fixture.make_assessment(case, strongest=1, conflicts=("Another one",))
        intake.record_assessment(connection, case, other, "system")
    engine.dispose()
    page.button(key="accept").click().run()

    assert "assessed again since this assessment was shown" in page.error[0].value
    assert events(workspace, "CASE-001")[-1].kind == "OPENED"
    page.button(key="accept").click().run()
    assert events(workspace, "CASE-001")[-1].kind == "DECIDED"


def test_a_window_that_is_behind_shows_that_the_reading_is_signed(
    open_page: OpenPage, workspace: Path
) -> None:
    here = open_page(case_id="CASE-000")
    accept_and_sign(open_page(case_id="CASE-000"))
    here.button(key="reject").click().run()
    assert "by dr.test (reader) at " in shown(here)
    assert kinds(workspace).count("SIGNED") == 1


# More than one reader


def test_what_another_reader_did_meanwhile_is_said_in_words(
    open_page: OpenPage, workspace: Path
) -> None:
    first = open_page(reader="dr.one", case_id="CASE-000")
    second = open_page(reader="dr.two", case_id="CASE-000")
    assert "Since you opened this case" not in shown(first)
    reject(second)
    first.button(key="accept").click().run()

    assert "Since you opened this case" in shown(first)
    assert "dr.two at " in shown(first)
    assert "Bacterial pneumonia: rejected (laboratory values" in shown(first)
    assert "accepted by you" in shown(first)
    assert "rejected by you" in shown(second.run())
    standing = decisions.standing(events(workspace))
    assert {(d.reader, d.action) for d in standing} == {("dr.one", "accept"), ("dr.two", "reject")}


def test_of_two_that_have_to_sign_neither_sees_the_other_before(
    open_page: OpenPage, protocol: Callable[..., None]
) -> None:
    protocol(second_share=1.0)
    first = open_page(reader="dr.one", case_id="CASE-000")
    assert "Two readers sign this case" in shown(first)
    accept_and_sign(first)
    assert "waiting for the second" in shown(first)
    second = open_page(reader="dr.two", case_id="CASE-000")
    assert "dr.one" not in sent(second)
    sign(reject(second))
    assert "by dr.one (reader) at " in shown(second)
    assert "waiting for an adjudicator" in shown(second)


def test_an_adjudicator_sees_both_and_has_the_last_word(
    open_page: OpenPage, workspace: Path, protocol: Callable[..., None]
) -> None:
    protocol(first_read=True, second_share=1.0)
    for name, act in (("dr.one", accept_and_sign), ("dr.two", lambda page: sign(reject(page)))):
        page = open_page(reader=name, case_id="CASE-000")
        act(page.button(key="commit-none").click().run())
    chief = open_page(reader="dr.chief", case_id="CASE-000", role="adjudicator")

    assert "diagnosed by dr.one only" in shown(chief)
    assert "Signed readings side by side" in shown(chief)
    assert chief.button(key="adjudicate").disabled
    assert "not defined: only one answer was given" not in shown(chief)
    chief.segmented_control(key="word-CASE-000-bacterial_pneumonia").set_value("Absent").run()
    chief.button(key="adjudicate").click().run()
    assert events(workspace)[-1].kind == "ADJUDICATED"
    assert events(workspace)[-1].payload["present"] == []
    assert "by dr.chief at " in shown(chief)


def test_an_auditor_looks_and_does_not_decide(open_page: OpenPage) -> None:
    page = open_page(reader="dr.eve", role="auditor", case_id="CASE-000")
    assert "can view cases but not decide" in shown(page)
    assert not any(button.key in ("accept", "reject", "add", "sign") for button in page.button)


# Without a model


def test_a_case_without_an_assessment_is_annotated_and_signed(
    open_page: OpenPage, workspace: Path
) -> None:
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        intake.record_import(connection, reading_fixture.make_case(77), "system")
    engine.dispose()
    assert "13 cases" in shown(open_page())
    page = open_page(case_id="CASE-077")

    assert "No model has assessed this case" in shown(page)
    assert "C-reactive protein" in shown(page)
    page.button(key="add").click().run()
    in_form(page.selectbox, "added-diagnosis").select("ICD-10:J18.9")
    labelled(page, "Record diagnosis").click().run()
    sign(page)
    assert [e.kind for e in events(workspace, "CASE-077")] == [
        "IMPORTED",
        "OPENED",
        "DECIDED",
        "SIGNED",
        "TIMED",
    ]
