"""Who sees which page, and that what is hidden is refused on the server as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from form_fields import in_form
from streamlit.testing.v1 import AppTest
from waiting import SECONDS

from clinical.access import accounts
from clinical.access.roles import ROLES, Role
from clinical.audit import search
from clinical.audit.search import Sought
from clinical.errors import SignInRefused
from clinical.workspace.database import open_workspace
from ui.access import session
from ui.host import app
from ui.state import record

OpenPage = Callable[..., AppTest]
GoTo = Callable[[AppTest, str], AppTest]

REFUSED = "An account with the role"


def headings(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def refusals(workspace: Path) -> list[tuple[str, object, object]]:
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        found = search.newest(connection, Sought(kinds=("REFUSED",)), limit=100)
    engine.dispose()
    return [(event.actor, event.payload["what"], event.payload["role"]) for event in found]


PAGES = {  # address: permission, and the heading that shows that it was opened
    "worklist": ("read_cases", "Worklist"),
    "add": ("add_cases", "Add a case"),
    "case": ("read_cases", "CASE-001"),
    "studies": ("studies", "Study"),
    "model": ("studies", "Model"),
    "audit": ("audit", "Audit"),
    "accounts": ("accounts", "Accounts"),
}


@pytest.mark.parametrize(
    ("role", "opened"),
    [
        ("reader", {"worklist", "add", "case", "studies", "model"}),
        ("adjudicator", {"worklist", "add", "case", "studies", "model"}),
        ("auditor", {"worklist", "case", "studies", "model", "audit"}),
        ("administrator", {"worklist", "studies", "model", "audit", "accounts"}),
    ],
)
def test_role_by_page(
    open_page: OpenPage, go_to: GoTo, workspace: Path, role: Role, opened: set[str]
) -> None:
    page = open_page(role=role, case_id="CASE-001", requested=False)
    for address, (permission, title) in PAGES.items():
        before = len(refusals(workspace))
        go_to(page, address)
        assert not page.exception
        if address in opened:
            assert not page.error
            assert f"<h1>{title}</h1>" in headings(page)
            assert len(refusals(workspace)) == before
        else:
            assert REFUSED in page.error[0].value
            assert "<h1>" not in headings(page)
            assert refusals(workspace)[0] == ("dr.test", permission, role)
        # Back to the case, which the worklist has closed.
        page.session_state["triptych_case"] = "CASE-001"


@pytest.mark.parametrize("role", ROLES)
def test_the_bar_offers_what_the_role_may_open_and_names_the_reader(
    open_page: OpenPage, role: Role
) -> None:
    page = open_page(role=role)

    offered = [link.proto.label for link in page.get("page_link")]
    assert (
        offered
        == {
            "reader": ["Worklist", "Add a case", "Studies", "Model"],
            "adjudicator": ["Worklist", "Add a case", "Studies", "Model"],
            "auditor": ["Worklist", "Studies", "Model", "Audit"],
            "administrator": ["Worklist", "Studies", "Model", "Audit", "Accounts"],
        }[role]
    )
    assert f"<b>dr.test</b> {role}" in headings(page)


def test_a_decision_by_an_auditor_is_refused_on_the_server(
    open_page: OpenPage, workspace: Path
) -> None:
    shown_to_a_reader = open_page(role="reader", case_id="CASE-001")
    button = shown_to_a_reader.button(key="accept")
    shown_to_a_reader.secrets["role"] = "auditor"
    button.click().run()

    page = open_page(role="auditor", case_id="CASE-001")
    assert "accept" not in [offered.key for offered in page.button]
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        assert search.count(connection, Sought(kinds=("DECIDED",))) == 0
    engine.dispose()


def test_a_demonstration_says_so_on_the_page(open_page: OpenPage) -> None:
    page = open_page(reader="dr.demo")

    assert "Demonstration: everyone who opens this page reads as dr.demo." in headings(page)
    assert not [button for button in page.button if button.label == "Sign out"]


def test_an_account_reads_under_its_name_until_it_signs_out(
    signed_in: Callable[[str, Role], AppTest], workspace: Path
) -> None:
    page = signed_in("dr.first", "reader")
    assert "<b>dr.first</b> reader" in headings(page)
    page.button(key="next-unread").click().run()
    page.button(key="sign-out").click().run()

    assert not page.exception
    assert "You are signed out." in headings(page)
    assert "CASE-" not in headings(page)
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        events = search.newest(connection, Sought(actor="dr.first"), limit=10)
    engine.dispose()
    assert [event.kind for event in reversed(events)] == ["SIGNED_IN", "OPENED", "SIGNED_OUT"]


def test_everybody_changes_their_own_password(
    signed_in: Callable[[str, Role], AppTest], workspace: Path
) -> None:
    page = signed_in("dr.first", "reader")
    for typed in ("a wrong password", "three quiet herons"):
        page.text_input(key="own-current").input(typed)
        page.text_input(key="own-new").input("four loud herons")
        next(b for b in page.button if b.label == "Change password").click().run()
        if typed == "a wrong password":
            assert page.error[0].value == "Wrong password."

    assert page.success[0].value == "Your password has been changed."
    engine = open_workspace(workspace)
    assert accounts.authenticate(engine, "dr.first", "four loud herons").role == "reader"
    engine.dispose()


def test_to_sign_a_reading_takes_the_password_once_more(
    signed_in: Callable[[str, Role], AppTest], workspace: Path
) -> None:
    page = signed_in("dr.first", "reader")
    page.button(key="next-unread").click().run()
    page.button(key="accept").click().run()
    page.button(key="sign").click().run()
    in_form(page.text_input, "sign-password").input("a wrong password")
    page.button(key="confirm-sign").click().run()
    assert any("Wrong password." in error.value for error in page.error)
    assert refusals(workspace) == [("dr.first", "confirm", "reader")]
    in_form(page.text_input, "sign-password").input("three quiet herons")
    page.button(key="confirm-sign").click().run()

    assert not page.error
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        signed = search.newest(connection, Sought(kinds=("SIGNED",)), limit=10)
    engine.dispose()
    (event,) = signed
    assert (event.actor, event.payload["role"]) == ("dr.first", "reader")
    assert event.payload["identity"] == "password"


@pytest.mark.parametrize("role", ROLES)
def test_who_looks_after_accounts_is_told_that_a_password_is_guessed(
    open_page: OpenPage, workspace: Path, role: Role
) -> None:
    engine = open_workspace(workspace)
    accounts.add(engine, "dr.first", "reader", "three quiet herons")
    for number in range(record.MANY_GUESSES):
        if number == record.MANY_GUESSES - 1:
            assert "attempts" not in headings(open_page(role=role)), "anybody may mistype"
        with pytest.raises(SignInRefused):
            session.sign_in(engine, "dr.first", f"guess {number}", idle=900)
    engine.dispose()

    says = "5 attempts to sign in as dr.first were refused in the last day."
    assert (says in headings(open_page(role=role))) == (role in ("auditor", "administrator"))


def test_a_disabled_account_can_do_nothing_more(
    signed_in: Callable[[str, Role], AppTest], workspace: Path
) -> None:
    page = signed_in("dr.first", "reader")
    page.button(key="next-unread").click().run()
    engine = open_workspace(workspace)
    accounts.disable(engine, "dr.first", actor="boss")
    page.button(key="accept").click().run()

    assert "You are signed out." in headings(page)
    with engine.connect() as connection:
        assert search.count(connection, Sought(kinds=("DECIDED",))) == 0
    engine.dispose()


def test_without_a_session_there_is_nothing_but_the_way_to_the_sign_in_page(
    workspace: Path,
) -> None:
    st.cache_resource.clear()
    page = AppTest.from_file(str(app.SCRIPT), default_timeout=SECONDS)
    page.secrets["workspace"] = str(workspace)
    page.secrets["cookie"] = "triptych_session_1"
    page.run()

    assert 'href="/sign-in"' in headings(page)
    assert "CASE-" not in headings(page)
    assert not page.button
