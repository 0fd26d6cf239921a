"""A form left half written is there again, as often as it is left, until it is done with."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from ui.state import desk, drafts, visits
from ui.state.visits import Owner, Visit


def script() -> None:
    """A page of one case, with what a reader may do there."""
    from types import SimpleNamespace
    from typing import cast

    import streamlit as st

    from ui.state import drafts, state
    from ui.state.desk import OpenCase

    shown = cast(OpenCase, SimpleNamespace(case=SimpleNamespace(case_id="CASE-001"), digest="a"))
    drafts.settle(shown, st.session_state.get(state.DIAGNOSIS, "first"))
    st.text(state.pending() or "no form")
    st.text(st.session_state.get(state.DIAGNOSIS, "first"))
    st.text(state.left_in("comment") or "")
    drafts.fill(drafts.NOTE, "note-CASE-001")
    st.text_area("Note", key="note-CASE-001")
    st.multiselect("First read", ["a", "b"], key="first-read-CASE-001")
    st.button(
        "leave", key="leave", on_click=drafts.sent, args=(shown, drafts.NOTE, "Deaf, write th")
    )
    st.button("select", key="select", on_click=state.select, args=("second",))
    st.button("reject", key="reject", on_click=state.begin, args=("reject",))
    st.button("cancel", key="cancel", on_click=state.cancel)
    st.button("elsewhere", key="elsewhere", on_click=state.unsettle)


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    made = visits.begin(Owner("here", "dr.a", "CASE-001"), 1)
    monkeypatch.setattr(desk, "visit", lambda _: made)
    monkeypatch.setattr(drafts, "_kept", {})
    return made


def session() -> AppTest:
    return AppTest.from_function(script, default_timeout=SECONDS).run()


def texts(page: AppTest) -> list[str]:
    return [text.value for text in page.text]


def half_written(visit: Visit) -> AppTest:
    page = session()
    page.button(key="select").click().run()
    page.button(key="reject").click().run()
    assert drafts.told(visit.name, None, {"comment": "half a sen"}, {})
    return page


def test_what_was_brought_back_can_be_brought_back_again(visit: Visit) -> None:
    half_written(visit)
    for _ in range(3):
        assert texts(session()) == ["reject", "second", "half a sen"]


def test_a_page_that_comes_back_in_the_same_session_holds_it_too(visit: Visit) -> None:
    page = half_written(visit)
    assert texts(page.button(key="elsewhere").click().run()) == ["reject", "second", "half a sen"]


def test_one_that_another_session_has_closed_is_not_open_any_more(visit: Visit) -> None:
    page = half_written(visit)
    session().button(key="cancel").click().run()
    assert texts(page.button(key="elsewhere").click().run()) == ["no form", "second", ""]


def test_nobody_else_can_tell_what_stands_in_it(visit: Visit) -> None:
    half_written(visit)
    assert not drafts.told(visit.name, "dr.b", {"comment": "other"}, {})
    assert not drafts.told("no such visit", None, {"comment": "other"}, {})
    assert texts(session()) == ["reject", "second", "half a sen"]


def test_a_note_comes_back_until_it_is_left_and_no_form_opens_for_it(visit: Visit) -> None:
    session()
    assert drafts.told(visit.name, None, {}, {"note": "Deaf, write th"})
    page = session()
    assert page.text_area(key="note-CASE-001").value == "Deaf, write th"
    assert texts(page)[0] == "no form"
    page.button(key="leave").click().run()
    assert session().text_area(key="note-CASE-001").value == ""
    assert drafts.told(visit.name, None, {}, {"note": "Deaf, write th"})  # on its way meanwhile
    assert session().text_area(key="note-CASE-001").value == ""
    assert drafts.told(visit.name, None, {}, {"note": "Another"})
    assert session().text_area(key="note-CASE-001").value == "Another"


def test_it_goes_with_no_form_and_stays_when_one_is_cancelled(visit: Visit) -> None:
    page = half_written(visit)
    assert drafts.told(visit.name, None, {"comment": "half a sen"}, {"note": "Deaf"})
    page.button(key="cancel").click().run()
    again = session()
    assert (texts(again)[0], again.text_area(key="note-CASE-001").value) == ("no form", "Deaf")


def test_a_first_read_comes_back_while_the_same_is_to_be_read(visit: Visit) -> None:
    session().multiselect(key="first-read-CASE-001").select("b").run()
    assert session().multiselect(key="first-read-CASE-001").value == ["b"]
    kept = drafts.find(visit.owner)
    assert kept is not None
    drafts._note(visit.owner, None, None, kept.answers, "another assessment")
    assert session().multiselect(key="first-read-CASE-001").value == []


def test_what_is_marked_is_kept_as_it_was_told_last(visit: Visit) -> None:
    assert drafts.told(visit.name, None, {}, {}, {"image": [{"kind": "arrow"}]})
    assert drafts.told(visit.name, None, {}, {"note": "Deaf"}, "nothing that can be")
    kept = drafts.find(visit.owner)
    assert kept is not None
    assert kept.marks == {"image": [{"kind": "arrow"}]}
