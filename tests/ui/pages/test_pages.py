"""The two pages as a reader uses them, without a browser."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from form_fields import in_form
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from clinical.audit import ledger, verify
from clinical.case.assessment import AuditEvent
from clinical.errors import StoreError
from clinical.review import decisions
from clinical.wording import RESEARCH_USE
from clinical.workspace.database import open_workspace
from ui.access import presence

OpenPage = Callable[..., AppTest]


def shown(page: AppTest) -> str:
    """All HTML on the page."""
    return "\n".join(element.proto.body for element in page.get("html"))


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def button(page: AppTest, label: str) -> Button:
    return next(button for button in page.button if button.label == label)


def events(workspace: Path, case_id: str) -> list[AuditEvent]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = list(ledger.events(connection, case_id=case_id))
    engine.dispose()
    return found


def kinds(workspace: Path, case_id: str) -> list[str]:
    return [event.kind for event in events(workspace, case_id)]


def test_worklist_counts_cases_and_says_it_is_research(open_page: OpenPage) -> None:
    page = open_page()

    assert not page.exception
    assert "12 cases" in shown(page)
    assert "12 unread" in shown(page)
    assert RESEARCH_USE in shown(page)
    assert "intact" in shown(page)


def test_search_that_fits_nothing_says_so(open_page: OpenPage) -> None:
    page = open_page()
    page.text_input(key="search").input("no such case").run()

    assert page.info[0].value == "No case matches this search."
    assert button(page, "Next unread").disabled


def test_next_unread_opens_the_most_urgent_case_and_records_it(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page()
    page.button(key="next-unread").click().run()

    # A saturation of 89% is critical, whatever the model makes of it.
    assert page.session_state["triptych_case"] == "CASE-000"
    assert kinds(workspace, "CASE-000") == ["ASSESSED", "OPENED"]
    assert events(workspace, "CASE-000")[-1].actor == "dr.test"


def test_a_case_says_first_what_is_critical_and_its_early_warning_score(
    open_page: OpenPage,
) -> None:
    html = shown(open_page(case_id="CASE-000"))

    assert "Oxygen saturation 89 %." in html
    assert "At least 11, from 5 of the 7 parts" in html
    assert "Not recorded: air or oxygen, consciousness." in html


def test_opened_is_recorded_once_in_a_session(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-001")
    page.run()
    page.button(key="modify").click().run()
    page.button(key="next").click().run()
    page.button(key="previous").click().run()

    assert page.session_state["triptych_case"] == "CASE-001"
    assert kinds(workspace, "CASE-001") == ["ASSESSED", "OPENED"]


def test_warnings_come_before_anything_else(open_page: OpenPage) -> None:
    html = shown(open_page(case_id="CASE-002"))

    assert "Unlike the cases the model was trained on" in html
    assert "the measurements speak for heart failure" in html
    assert RESEARCH_USE in html


def test_a_missing_image_is_said_and_the_rest_still_stands(open_page: OpenPage) -> None:
    page = open_page(case_id="CASE-003")

    assert not page.exception
    assert "No image was given for this case." in shown(page)
    assert "C-reactive protein" in shown(page)
    assert "<b>Missing</b><span>image</span>" in shown(page)


def test_what_is_listed_is_said_on_the_card_and_in_a_sentence(open_page: OpenPage) -> None:
    page = open_page(case_id="CASE-000")

    assert "Listed: bacterial pneumonia" in shown(page)
    assert "(from 575 validation cases)" in shown(page)


def test_where_there_is_no_set_the_page_says_why(open_page: OpenPage) -> None:
    html = shown(open_page(case_id="CASE-002"))

    assert "No set of diagnoses is given: the input is unlike the training cases." in html


def test_selecting_a_diagnosis_recolours_measurements_and_notes(open_page: OpenPage) -> None:
    page = open_page(case_id="CASE-000")
    first = shown(page)
    page.session_state["triptych_diagnosis"] = "heart_failure"
    page.run()

    assert "+14%" in first
    assert 'class="for s3"' in first
    assert "−8%" in shown(page)
    assert 'class="against s3"' in shown(page)
    assert "<b>Heart failure</b>" in shown(page)


def test_accept_is_recorded(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="accept").click().run()

    last = events(workspace, "CASE-000")[-1]
    assert (last.kind, last.payload["action"]) == ("DECIDED", "accept")
    assert last.payload["diagnosis"] == "bacterial_pneumonia"
    assert "accepted" in shown(page)
    assert "1 recorded" in shown(page)


def test_reject_without_a_reason_is_refused_and_nothing_is_recorded(
    open_page: OpenPage, workspace: Path
) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="reject").click().run()
    button(page, "Record rejection").click().run()

    assert "Not recorded" in page.error[0].value
    assert kinds(workspace, "CASE-000") == ["ASSESSED", "OPENED"]


def test_reject_with_reason_and_comment(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="reject").click().run()
    in_form(page.selectbox, "reason").select("lab_explains")
    in_form(page.text_input, "comment").input("<i>BNP</i> is normal")
    button(page, "Record rejection").click().run()

    last = events(workspace, "CASE-000")[-1]
    assert last.payload["action"] == "reject"
    assert last.payload["reason"] == "lab_explains"
    assert "BNP" not in str(last.payload)
    assert "&lt;i&gt;BNP&lt;/i&gt; is normal" in shown(page)
    assert decisions.REASONS["lab_explains"] in shown(page)
    assert "Record rejection" not in labels(page)


def test_modify_names_another_diagnosis(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="modify").click().run()
    in_form(page.selectbox, "reason").select("other_diagnosis_more_likely")
    in_form(page.selectbox, "replacement").select("viral_pneumonia")
    button(page, "Record change").click().run()

    assert events(workspace, "CASE-000")[-1].payload["replacement"] == "viral_pneumonia"
    assert "to Viral pneumonia" in shown(page)


def test_a_later_decision_supersedes_but_hides_nothing(open_page: OpenPage) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="accept").click().run()
    page.button(key="reject").click().run()
    in_form(page.selectbox, "reason").select("not_clinically_plausible")
    button(page, "Record rejection").click().run()

    assert "2 recorded" in shown(page)
    earlier = shown(page).partition('<tr class="superseded">')[2].partition("</tr>")[0]
    assert ">accepted</span>" in earlier
    assert "<small> superseded</small>" in earlier


def test_cancel_drops_the_pending_decision(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    page.button(key="reject").click().run()
    button(page, "Cancel").click().run()

    assert "Record rejection" not in labels(page)
    assert kinds(workspace, "CASE-000") == ["ASSESSED", "OPENED"]


def test_a_withheld_suggestion_cannot_be_accepted(open_page: OpenPage) -> None:
    page = open_page(case_id="CASE-000")
    page.session_state["triptych_diagnosis"] = "pulmonary_embolism"
    page.run()

    assert page.button(key="accept").disabled
    assert not page.button(key="reject").disabled
    assert "because this suggestion is withheld" in shown(page)


def test_two_readers_decide_on_one_case_and_both_stay(open_page: OpenPage, workspace: Path) -> None:
    first = open_page(reader="first", case_id="CASE-000")
    second = open_page(reader="second", case_id="CASE-000")
    first.button(key="accept").click().run()
    second.button(key="reject").click().run()
    in_form(second.selectbox, "reason").select("history_explains")
    button(second, "Record rejection").click().run()

    decided = [e for e in events(workspace, "CASE-000") if e.kind == "DECIDED"]
    assert [e.actor for e in decided] == ["first", "second"]
    assert "second at " in shown(first.run())
    assert "accepted by you" in shown(first)


def test_a_broken_ledger_is_shown(open_page: OpenPage, workspace: Path) -> None:
    with sqlite3.connect(workspace / "triptych.sqlite") as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET actor = 'someone' WHERE sequence = 3")

    assert "broken at event 3" in shown(open_page())


def test_verify_again_reads_the_ledger_again(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(case_id="CASE-000")
    assert "12 events" in shown(page) or "13 events" in shown(page)
    page.button(key="accept").click().run()
    page.button(key="verify").click().run()

    engine = open_workspace(workspace)
    with engine.connect() as connection:
        verdict = verify.verify(connection)
    engine.dispose()
    assert verdict.intact
    assert f"{verdict.events} events<" in shown(page)


def test_a_workspace_that_is_gone_gives_a_sentence_and_a_remedy(
    open_page: OpenPage, workspace: Path
) -> None:
    (workspace / "triptych.sqlite").unlink()
    page = open_page()

    assert "holds no triptych.sqlite" in page.error[0].value
    assert "What to do" in page.caption[0].value


def test_a_workspace_that_does_not_answer_is_said_and_for_what_the_page_is(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> bool:
        raise StoreError("The server does not answer.", remedy="check that it runs.")

    monkeypatch.setattr(presence, "signed_in", away)
    page = open_page()
    assert [error.value for error in page.error] == ["The server does not answer."]
    assert RESEARCH_USE in "".join(element.proto.body for element in page.get("html"))
