"""What a reader has open is there again after a reload that the page asked for, and only then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from ui.state import handover


def script() -> None:
    """A page that shows what is open, with a button that leaves."""
    import streamlit as st

    from ui.state import handover, state

    handover.arrive()
    st.text(state.current_case() or "nothing open")
    st.button("open", on_click=state.open_case, args=("CASE-001",))
    st.button("leave", on_click=handover.leave)


@pytest.fixture(autouse=True)
def nobody_waits() -> Iterator[None]:
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def session(reader: str) -> AppTest:
    page = AppTest.from_function(script, default_timeout=SECONDS)
    page.secrets["reader"] = reader
    return page.run()


def left_with_a_case(reader: str) -> None:
    session(reader).button[0].click().run().button[1].click().run()


def test_the_case_is_still_open() -> None:
    left_with_a_case("dr.a")
    assert session("dr.a").text[0].value == "CASE-001"


def test_it_is_taken_over_once() -> None:
    left_with_a_case("dr.a")
    session("dr.a")
    assert session("dr.a").text[0].value == "nothing open"


def test_another_reader_gets_nothing() -> None:
    left_with_a_case("dr.a")
    assert session("dr.b").text[0].value == "nothing open"


def test_what_nobody_fetched_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    left_with_a_case("dr.a")
    monkeypatch.setattr(handover, "SECONDS", 0.0)
    assert session("dr.a").text[0].value == "nothing open"


def test_a_session_that_was_not_left_hands_nothing_over() -> None:
    session("dr.a").button[0].click().run()
    assert session("dr.a").text[0].value == "nothing open"
