"""The worklist as a reader and as an adjudicator use it, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reading_fixture import DECISION
from streamlit.testing.v1 import AppTest

from clinical.audit import ledger
from clinical.workspace.database import open_workspace
from ui.pages import worklist
from ui.state import caseload, worklist_order
from ui.state.worklist_order import Row, View

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


def test_who_assigns_and_may_not_read_sees_no_word_of_the_machine(open_page: OpenPage) -> None:
    page = open_page(reader="dr.office", role="administrator")
    keys = [button.key for button in page.button]

    assert "assign-marked" in keys
    assert "next-unread" not in keys
    rows = worklist_order.arrange(state_rows(page), View(sort="case"))
    made = str(worklist.table(rows, View(), marked=frozenset(), now=DECISION))
    assert "No suggestion shown" in made
    assert not any("pat-00" in row.words for row in rows), "nor is a patient found"
    for word in ("pneumonia", "Conflict", "Out of distribution", "81%"):
        assert word not in made


def state_rows(page: AppTest) -> list[Row]:
    """The rows of the page's workspace, as somebody sees them who may not open them."""
    engine = open_workspace(Path(page.secrets["workspace"]))
    with engine.connect() as connection:
        rows = caseload.read(connection).rows
    engine.dispose()
    return [worklist_order.unreadable(row) for row in rows]
