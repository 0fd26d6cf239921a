"""Manage accounts: add, disable, set a new password."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from clinical.access.accounts import SHORTEST_PASSWORD, Account
from clinical.access.roles import PERMISSIONS, ROLES
from clinical.errors import AccountError
from ui.access import presence
from ui.panels import frame
from ui.state import record
from ui.words.event_words import PERMISSIONS as PERMISSION_WORDS
from ui.words.markup import Markup, chip, table, tag

HEADINGS = ("Account", "Role", "State", "Signs in by", "Created (UTC)", "May")


def render() -> None:
    """Show all accounts and what can be done with them."""
    everyone = record.everyone()
    frame.masthead("Accounts", f"{len(everyone)} accounts")
    if presence.demonstration():
        st.info("Nobody signs in to a demonstration; accounts apply when it is over.")
    st.html(accounts_table(everyone))
    add, change = st.columns(2, gap="medium")
    with add:
        _add()
    with change:
        _change(everyone)


def accounts_table(everyone: list[Account]) -> Markup:
    """Accounts as rows."""
    return table(HEADINGS, (_row(account) for account in everyone), "accounts", "Accounts")


def _row(account: Account) -> Markup:
    since = account.disabled
    mark = chip(f"disabled since {since:%Y-%m-%d}", "warn") if since else chip("enabled", "good")
    held = PERMISSIONS[account.role]
    may = ", ".join(words for name, words in PERMISSION_WORDS.items() if name in held)
    return tag(
        "tr",
        tag("td", tag("b", account.name)),
        tag("td", account.role),
        tag("td", mark),
        tag("td", "password" if account.has_password else "organisation (OIDC)"),
        tag("td", f"{account.created:%Y-%m-%d %H:%M}", class_="time"),
        tag("td", may, class_="quiet"),
    )


def _add() -> None:
    with st.form("add", clear_on_submit=True, enter_to_submit=False):
        st.html(
            frame.panel_title(
                "Add an account", f"password: at least {SHORTEST_PASSWORD} characters"
            )
        )
        name = st.text_input("Name, or e-mail address for OIDC", max_chars=100, key="new-name")
        role = st.selectbox("Role", ROLES, key="new-role")
        password = st.text_input(
            "Password (leave empty for OIDC only)", type="password", key="new-password"
        )
        done = st.form_submit_button("Add account", type="primary")
    if done:
        _do(lambda: record.add_account(name, role, password or None))


def _change(everyone: list[Account]) -> None:
    by_name = {account.name: account for account in everyone}
    with st.container(border=True, key="change"):
        st.html(frame.panel_title("Change an account"))
        name = st.selectbox(
            "Account", list(by_name), index=None, placeholder="Choose an account", key="chosen"
        )
        if name is None:
            return
        disabled = by_name[name].disabled is not None
        label = "Enable" if disabled else "Disable"
        if st.button(f"{label} {name}", key="switch"):
            _do(lambda: record.switch_account(name, disabled=not disabled))
    with st.form("password", clear_on_submit=True, enter_to_submit=False):
        password = st.text_input(f"New password for {name}", type="password", key="password")
        done = st.form_submit_button("Set password")
    if done:
        _do(lambda: record.set_password(name, password))


def _do(change: Callable[[], None]) -> None:
    try:
        change()
    except AccountError as error:
        frame.refusal(error)
        return
    st.rerun()
