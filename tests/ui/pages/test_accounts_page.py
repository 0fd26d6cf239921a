"""The administrator's page: make an account, disable it, give it another password."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from clinical.access import accounts
from clinical.access.accounts import Account
from clinical.audit import search
from clinical.audit.search import Sought
from clinical.errors import SignInRefused
from clinical.workspace.database import open_workspace
from ui.access import session

OpenPage = Callable[..., AppTest]
GoTo = Callable[[AppTest, str], AppTest]

PASSWORD = "three quiet herons"


@pytest.fixture
def desk(open_page: OpenPage, go_to: GoTo, workspace: Path) -> AppTest:
    """The page of the administrator boss, beside one reader."""
    engine = open_workspace(workspace)
    accounts.add(engine, "dr.first", "reader", PASSWORD)
    accounts.add(engine, "boss", "administrator", None)
    engine.dispose()
    return go_to(open_page(reader="boss", role="administrator"), "accounts")


def press(page: AppTest, label: str) -> None:
    next(button for button in page.button if button.label == label).click().run()


def shown(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def opens(workspace: Path, name: str, password: str) -> Account:
    engine = open_workspace(workspace)
    try:
        return accounts.authenticate(engine, name, password)
    finally:
        engine.dispose()


def changes(workspace: Path) -> list[tuple[str, object, object]]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        events = search.newest(connection, Sought(kinds=("ACCOUNT",)), limit=10)
    engine.dispose()
    return [(e.actor, e.payload["change"], e.payload["account"]) for e in events]


def test_all_accounts_are_listed_with_what_they_may(desk: AppTest) -> None:
    assert "2 accounts" in shown(desk)
    assert "<b>dr.first</b>" in shown(desk)
    assert "organisation (OIDC)" in shown(desk)
    assert "argon2" not in shown(desk)


def test_an_account_is_made(desk: AppTest, workspace: Path) -> None:
    desk.text_input(key="new-name").input("Dr.Second")
    desk.selectbox(key="new-role").select("adjudicator")
    desk.text_input(key="new-password").input("four loud herons")
    press(desk, "Add account")

    assert not desk.error
    assert "<b>dr.second</b>" in shown(desk)
    assert opens(workspace, "dr.second", "four loud herons").role == "adjudicator"
    assert changes(workspace)[0] == ("boss", "added", "dr.second")


def test_a_password_that_is_too_short_is_refused_with_a_remedy(
    desk: AppTest, workspace: Path
) -> None:
    desk.text_input(key="new-name").input("dr.second")
    desk.text_input(key="new-password").input("short")
    press(desk, "Add account")

    assert "at least 12" in desk.error[0].value
    assert "What to do" in desk.caption[0].value
    assert len(changes(workspace)) == 2


def test_disable_and_enable(desk: AppTest, workspace: Path) -> None:
    desk.selectbox(key="chosen").select("dr.first").run()
    press(desk, "Disable dr.first")
    with pytest.raises(SignInRefused):
        opens(workspace, "dr.first", PASSWORD)
    assert "disabled since" in shown(desk)
    press(desk, "Enable dr.first")

    assert opens(workspace, "dr.first", PASSWORD).disabled is None
    assert [change for _, change, _ in changes(workspace)[:2]] == ["enabled", "disabled"]


def test_nobody_disables_themselves(desk: AppTest) -> None:
    desk.selectbox(key="chosen").select("boss").run()
    press(desk, "Disable boss")

    assert "their own" in desk.error[0].value


def test_another_password_and_whoever_has_the_old_one_is_out(
    desk: AppTest, workspace: Path
) -> None:
    engine = open_workspace(workspace)
    token = session.sign_in(engine, "dr.first", PASSWORD, idle=900)
    desk.selectbox(key="chosen").select("dr.first").run()
    desk.text_input(key="password").input("four loud herons")
    press(desk, "Set password")

    assert opens(workspace, "dr.first", "four loud herons").name == "dr.first"
    assert changes(workspace)[0] == ("boss", "password", "dr.first")
    assert session.find(token) is None
    with engine.connect() as connection:
        last = search.newest(connection, Sought(actor="dr.first"), limit=1)[0]
    engine.dispose()
    assert (last.kind, last.payload) == ("SIGNED_OUT", {"why": "password"})
