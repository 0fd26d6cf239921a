"""The auditor's page: events in words, filters, verification and export."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from clinical.audit import ledger, verify
from clinical.case.assessment import AuditEvent, EventKind
from clinical.workspace.database import open_workspace, writing
from ui.pages import audit
from ui.words import event_words

OpenPage = Callable[..., AppTest]
GoTo = Callable[[AppTest, str], AppTest]


@pytest.fixture
def desk(open_page: OpenPage, go_to: GoTo, workspace: Path) -> AppTest:
    """The page of an auditor, on twelve assessments and 150 openings."""
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        for number in range(150):
            ledger.append(
                connection,
                "OPENED",
                actor=f"dr.{number % 3}",
                case_id="CASE-001",
                payload={"assessment": "ab" * 32},
            )
    engine.dispose()
    return go_to(open_page(reader="eve", role="auditor"), "audit")


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def test_the_newest_events_come_first_a_hundred_at_a_time(desk: AppTest) -> None:
    assert "162 events" in shown(desk)
    assert "1 to 100 of 162" in shown(desk)
    assert shown(desk).index(">162<") < shown(desk).index(">63<")
    older = next(button for button in desk.button if button.label == "Older")
    older.click().run()

    assert "101 to 162 of 162" in shown(desk)
    assert "The model fixture read image, measurements, history, notes" in shown(desk)
    assert next(button for button in desk.button if button.label == "Older").disabled


def test_filters_narrow_and_begin_at_the_first_page(desk: AppTest) -> None:
    next(button for button in desk.button if button.label == "Older").click().run()
    desk.selectbox(key="who").select("dr.1").run()
    assert "1 to 50 of 50" in shown(desk)
    desk.selectbox(key="who").set_value(None)
    desk.multiselect(key="kinds").select("ASSESSED")
    desk.text_input(key="case").input("CASE-001 ").run()
    assert "1 to 1 of 1" in shown(desk)
    desk.text_input(key="case").input("CASE-777").run()

    assert desk.info[0].value == "No event matches this filter."


def test_days_are_whole_days(desk: AppTest, workspace: Path) -> None:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        days = [datetime.fromisoformat(event.time).date() for event in ledger.events(connection)]
    engine.dispose()
    desk.date_input(key="from").set_value(days[0])
    desk.date_input(key="to").set_value(days[-1]).run()
    assert "of 162 events" in shown(desk)
    desk.date_input(key="from").set_value(days[0] - timedelta(days=2))
    desk.date_input(key="to").set_value(days[0] - timedelta(days=1)).run()
    assert desk.info[0].value == "No event matches this filter."


def test_a_broken_record_is_named_with_its_place(
    open_page: OpenPage, go_to: GoTo, workspace: Path
) -> None:
    with sqlite3.connect(workspace / "triptych.sqlite") as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET actor = 'someone' WHERE sequence = 3")
    page = go_to(open_page(role="auditor"), "audit")

    assert "broken at event 3" in shown(page)
    assert "a field was changed" in shown(page)


def test_an_event_that_cannot_be_read_does_not_hide_the_verdict(
    open_page: OpenPage, go_to: GoTo, workspace: Path
) -> None:
    with sqlite3.connect(workspace / "triptych.sqlite") as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET payload = '7' WHERE sequence = 5")
    page = go_to(open_page(role="auditor"), "audit")

    assert "payload of event 5" in page.error[0].value
    assert "broken at event 5" in shown(page)


def test_verify_again(desk: AppTest, workspace: Path) -> None:
    assert "162 events verified" in shown(desk)
    with sqlite3.connect(workspace / "triptych.sqlite") as connection:
        connection.execute("DROP TRIGGER events_no_update")
        connection.execute("UPDATE events SET kind = 'DECIDED' WHERE sequence = 150")
    desk.button(key="verify").click().run()

    assert "broken at event 150" in shown(desk)


def test_an_export_is_recorded_and_whole(desk: AppTest, workspace: Path) -> None:
    desk.button(key="export").click().run()
    waiting = desk.session_state["triptych_export"]

    with zipfile.ZipFile(io.BytesIO(waiting.data)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert "receipt.json" in archive.namelist()
    assert manifest["actor"] == "eve"
    assert manifest["verdict"]["intact"]
    assert "CASE" not in waiting.name
    assert "12 cases" in shown(desk)
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        events = list(ledger.events(connection, kind="EXPORTED"))
        assert verify.verify(connection).intact
    engine.dispose()
    assert [event.actor for event in events] == ["eve"]


def test_a_de_identified_export_names_no_case(desk: AppTest) -> None:
    desk.checkbox(key="de-identified").check().run()
    desk.button(key="export").click().run()
    waiting = desk.session_state["triptych_export"]

    with zipfile.ZipFile(io.BytesIO(waiting.data)) as archive:
        assert json.loads(archive.read("manifest.json"))["de_identified"] is True
        assert not [name for name in archive.namelist() if b"CASE-0" in archive.read(name)]


def test_one_case_can_be_exported_and_an_unknown_one_is_named(desk: AppTest) -> None:
    desk.text_input(key="case").input("CASE-001").run()
    assert desk.button(key="export").label == "Export the record of CASE-001"
    desk.button(key="export").click().run()
    assert desk.session_state["triptych_export"].cases == 1
    desk.text_input(key="case").input("CASE-777").run()
    desk.button(key="export").click().run()

    assert "no assessed case CASE-777" in desk.error[0].value


def test_an_administrator_looks_and_does_not_export(open_page: OpenPage, go_to: GoTo) -> None:
    page = go_to(open_page(role="administrator"), "audit")

    assert "12 events" in shown(page)
    assert not [button for button in page.button if button.label.startswith("Export")]


def event(kind: EventKind, **payload: object) -> AuditEvent:
    return AuditEvent(1, "2031-03-04T12:00:00.000000+00:00", "eve", kind, "C1", payload, "", "")


@pytest.mark.parametrize(
    ("happened", "words"),
    [
        (event("OPENED", assessment="ab"), "Opened the case"),
        (event("SIGNED_IN", by="password", role="reader"), "Signed in with a password, as reader"),
        (event("SIGNED_OUT", why="idle"), "Signed out: inactive for too long"),
        (event("REFUSED", what="sign_in", why="password"), "Sign-in refused: wrong password"),
        (
            event("REFUSED", what="confirm", why="password", role="reader"),
            "Refused: wrong password at confirmation",
        ),
        (
            event("REFUSED", what="accounts", why="role", role="reader"),
            "Refused: to manage accounts, as reader",
        ),
        (
            event("ACCOUNT", account="dr.first", change="added", role="reader"),
            "Added the account dr.first with the role reader",
        ),
        (
            event("EXPORTED", what="all", cases=3, intact=True),
            "Exported the whole record (3 cases); the ledger was intact",
        ),
        (
            event("EXPORTED", what="cases", cases=2, intact=True, de_identified=True),
            "Exported chosen cases (2 cases, de-identified); the ledger was intact",
        ),
        (
            event("DECIDED", action="reject", diagnosis="copd", reason="already_known"),
            "Rejected COPD: already known and not the reason for this presentation",
        ),
        (
            event("DECIDED", action="modify", diagnosis="a", replacement="b_c", comment="ab"),
            "Changed a to b c, with a comment",
        ),
        (
            event("ASSESSED", model={"name": "m"}, used=["image"], missing=["notes"], flags={}),
            "The model m read image, without notes",
        ),
        (event("ASSESSED", model=7, used="x", flags=[]), "The model  read "),  # tampered with
    ],
)
def test_what_happened_in_words(happened: AuditEvent, words: str) -> None:
    assert event_words.sentence(happened) == words


def test_every_kind_has_a_name_and_a_payload_is_shown_as_text() -> None:
    assert all(event_words.kind(name)[0].isupper() for name in ledger.KINDS)
    row = audit.events_table((event("OPENED", assessment="<script>alert(1)</script>"),))
    assert "<script>" not in row
