"""What is entered and not saved: whose it is, what a reload finds, and when it is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.cohorts.entered import Entered
from ui.state import adding

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def script() -> None:
    """A page with one field, which keeps a draft."""
    import streamlit as st

    from ui.state import adding

    draft = adding.current()
    adding.fill(draft, {"add-patient": ""})
    st.text_input("Patient", key="add-patient")
    adding.keep(draft, ["add-patient"])
    st.text(draft.name)


@pytest.fixture(autouse=True)
def nothing_is_kept() -> Iterator[None]:
    yield
    for draft in list(adding._drafts.values()):
        adding._drafts.pop(draft.name).close()


def session(folder: Path, reader: str = "dr.first", name: str = "") -> AppTest:
    page = AppTest.from_function(script, default_timeout=SECONDS)
    page.secrets["workspace"] = str(folder)
    page.secrets["reader"] = reader
    page.secrets["role"] = "reader"
    if name:
        page.query_params["draft"] = name
    return page.run()


def begun(page: AppTest) -> adding.Draft:
    return adding._drafts[page.text[0].value]


def test_a_reload_finds_what_was_entered_by_the_address(tmp_path: Path) -> None:
    page = session(tmp_path)
    page.text_input[0].input("patient 1").run()
    again = session(tmp_path, name=begun(page).name)
    assert again.text_input[0].value == "patient 1"
    assert again.query_params["draft"] == begun(page).name
    assert "patient" not in str(page.query_params)


def test_nobody_else_opens_it_and_another_tab_begins_its_own(tmp_path: Path) -> None:
    page = session(tmp_path)
    page.text_input[0].input("p1").run()
    other = session(tmp_path, reader="dr.second", name=begun(page).name)
    assert other.text_input[0].value == ""
    assert begun(other) is not begun(page)
    assert session(tmp_path).text_input[0].value == ""


def test_files_lie_in_a_place_for_the_owner_only_and_go_with_the_draft(tmp_path: Path) -> None:
    draft = begun(session(tmp_path))
    draft.receive([("film.png", PNG), ("letter.txt", b"Dear colleague")])
    assert [file.name for file in draft.files] == ["film.png"]
    assert [one.name for one in draft.refused] == ["letter.txt"]
    assert draft.place.stat().st_mode & 0o777 == 0o700
    draft.remove(draft.files[0])
    assert draft.files == []
    assert not list(draft.place.glob("files/*"))
    adding.sweep()
    assert draft.place.exists()
    draft.touched = time.monotonic() - adding.KEPT_SECONDS - 1
    adding.sweep()
    assert not draft.place.exists()


def test_too_many_drafts_go_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adding, "MOST", 2)
    drafts = [begun(session(tmp_path)) for _ in range(3)]
    adding.sweep()
    assert [draft.place.exists() for draft in drafts] == [False, True, True]


def test_it_is_read_again_only_where_something_changed(tmp_path: Path) -> None:
    draft = begun(session(tmp_path))
    rows = (("CRP", "120", "mg/L", "2024-03-01", ""),)
    what = Entered("c1", "p1", "2024-03-01 12:00", measurements=rows)
    first = draft.read(what)
    assert first.case is not None
    assert draft.read(what) is first
    draft.receive([("film.png", PNG)])
    assert draft.read(what) is not first
