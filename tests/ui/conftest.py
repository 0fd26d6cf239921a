"""A workspace to open the page on, and the page as Streamlit's own test harness runs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import reading_fixture
import streamlit as st
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.access import accounts
from clinical.access.roles import Role
from clinical.workspace.database import open_workspace
from ui.access import presence, session

SCRIPT = Path(__file__).parents[2] / "ui" / "host" / "script" / "main.py"

OpenPage = Callable[..., AppTest]
GoTo = Callable[[AppTest, str], AppTest]


@pytest.fixture(scope="session")
def prepared_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve assessed cases that nobody has opened; read only."""
    return reading_fixture.make_workspace(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def workspace(prepared_workspace: Path, tmp_path: Path) -> Path:
    """The same twelve cases, to write to."""
    folder = tmp_path / "workspace"
    shutil.copytree(prepared_workspace, folder)
    return folder


@pytest.fixture
def open_page(workspace: Path) -> OpenPage:
    """Opens the page on `workspace`, as a reader and on a case if wished."""
    st.cache_resource.clear()

    def opened(
        reader: str = "dr.test",
        case_id: str | None = None,
        role: Role = "reader",
        requested: bool = True,
    ) -> AppTest:
        page = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
        page.secrets["workspace"] = str(workspace)
        page.secrets["reader"] = reader
        page.secrets["role"] = role
        if case_id is not None:
            page.session_state["triptych_case"] = case_id
            page.session_state["triptych_requested"] = requested
        return page.run()

    return opened


@pytest.fixture
def go_to() -> GoTo:
    """Goes to the page with an address, as typing it in the browser does."""

    def gone(page: AppTest, address: str) -> AppTest:
        known = {info["url_pathname"]: key for key, info in page._registered_pages.items()}
        page._page_hash = known.get(address, known[""])  # the first page has no address
        return page.run()

    return gone


@pytest.fixture
def signed_in(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Role], AppTest]:
    """Opens the page for somebody who signed in; the harness has no cookies of its own."""
    st.cache_resource.clear()
    held: dict[str, str] = {}
    monkeypatch.setattr(presence, "_token", lambda: held.get("token", ""))

    def opened(name: str, role: Role) -> AppTest:
        engine = open_workspace(workspace)
        accounts.add(engine, name, role, "three quiet herons")
        held["token"] = session.sign_in(engine, name, "three quiet herons", idle=900)
        engine.dispose()
        page = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
        page.secrets["workspace"] = str(workspace)
        page.secrets["cookie"] = "triptych_session_1"
        return page.run()

    return opened
