"""Notes on the page: left by one reader, found by the next, struck through by their author."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from clinical.audit import ledger
from clinical.review import protocol as protocol_rules
from clinical.review.protocol import Protocol
from clinical.workspace.database import open_workspace

OpenPage = Callable[..., AppTest]

CASE = "CASE-000"
HOSTILE = "<b>Deaf</b>: write **things** down & ask <script>x</script>"


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def leave(page: AppTest, text: str) -> AppTest:
    page.text_area(key=f"note-{CASE}").input(text)
    return page.button(key="leave-note").click().run()


def kinds(workspace: Path) -> list[str]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = [event.kind for event in ledger.events(connection, case_id=CASE)]
    engine.dispose()
    return found


def test_a_note_is_left_shown_to_the_next_reader_and_withdrawn(
    open_page: OpenPage, workspace: Path
) -> None:
    page = leave(open_page(reader="dr.first", case_id=CASE), HOSTILE)
    assert page.text_area(key=f"note-{CASE}").value == ""
    assert kinds(workspace)[-1] == "NOTED"

    other = open_page(reader="dr.second", case_id=CASE)
    assert "&lt;b&gt;Deaf&lt;/b&gt;: write **things** down &amp; ask" in shown(other)
    assert "handed-on" in shown(other), "above the case"
    assert not any((button.key or "").startswith("withdraw") for button in other.button)

    mine = next(b for b in page.button if (b.key or "").startswith("withdraw"))
    page = mine.click().run()
    assert kinds(workspace)[-1] == "NOTE_WITHDRAWN"
    assert "<s>&lt;b&gt;Deaf" in shown(page)
    assert "handed-on" not in shown(page)


def test_an_empty_note_is_refused_in_words(open_page: OpenPage, workspace: Path) -> None:
    page = leave(open_page(case_id=CASE), "   ")
    assert "The note is empty." in page.error[0].value
    assert "NOTED" not in kinds(workspace)


def test_before_a_first_read_no_note_of_others_is_sent(
    open_page: OpenPage, workspace: Path
) -> None:
    leave(open_page(reader="dr.first", case_id=CASE), "I think it is heart failure.")
    engine = open_workspace(workspace)
    protocol_rules.set_protocol(engine, Protocol(first_read=True), "dr.chief")
    engine.dispose()
    page = open_page(reader="dr.new", case_id=CASE)
    assert "I think it is" not in shown(page)
    assert "you see no note by another reader" in shown(page)


def test_an_auditor_reads_notes_and_leaves_none(open_page: OpenPage) -> None:
    leave(open_page(reader="dr.first", case_id=CASE), "Deaf.")
    page = open_page(reader="eve", role="auditor", case_id=CASE)
    assert "Deaf." in shown(page)
    assert not page.text_area


def test_the_worklist_marks_the_case(open_page: OpenPage) -> None:
    page = open_page()
    assert "Note</span>" not in "\n".join(str(e.proto) for e in page.get("bidi_component"))
    leave(open_page(reader="dr.first", case_id=CASE), "Deaf.")
    page = open_page()
    assert "Note</span>" in "\n".join(str(e.proto) for e in page.get("bidi_component"))
