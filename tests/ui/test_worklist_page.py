"""The worklist as a reader and as an adjudicator use it, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from clinical.audit import ledger
from clinical.database import open_workspace

OpenPage = Callable[..., AppTest]


def assignments(workspace: Path) -> list[tuple[str, str, str]]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = [
            (event.actor, event.case_id, event.payload["reader"])
            for event in ledger.events(connection, kind="ASSIGNED")
        ]
    engine.dispose()
    return found


def test_a_reader_assigns_nothing(open_page: OpenPage) -> None:
    page = open_page()
    assert not [button for button in page.button if button.label == "Assign"]


def test_marked_cases_are_assigned_and_then_are_mine(open_page: OpenPage, workspace: Path) -> None:
    page = open_page(reader="dr.head", role="adjudicator")
    assert page.button(key="assign-marked").disabled
    page.session_state["triptych_marked"] = frozenset({"CASE-001", "CASE-004"})
    page.run()
    page.selectbox(key="assignee").select("dr.head")
    page.button(key="assign-marked").click().run()

    assert assignments(workspace) == [
        ("dr.head", "CASE-001", "dr.head"),
        ("dr.head", "CASE-004", "dr.head"),
    ]
    assert page.button(key="assign-marked").disabled
    page.selectbox(key="hands").select("Mine").run()
    page.button(key="next-unread").click().run()
    assert page.session_state["triptych_case"] == "CASE-001"
    page.button(key="next").click().run()
    assert page.session_state["triptych_case"] == "CASE-004"
    assert page.button(key="next").disabled


def test_filters_survive_a_look_at_a_case(open_page: OpenPage) -> None:
    page = open_page()
    page.text_input(key="search").input("CASE-00").run()
    page.selectbox(key="without").select("image").run()
    page.button(key="next-unread").click().run()
    assert page.session_state["triptych_case"] == "CASE-003"
    page.button(key="back").click().run()

    assert page.text_input(key="search").value == "CASE-00"
    assert page.selectbox(key="without").value == "image"
