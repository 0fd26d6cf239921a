"""What every page has: the bar with navigation and account, the masthead, the ledger status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from clinical.audit.search import Guesses
from clinical.errors import AccountError, TriptychError
from clinical.wording import RESEARCH_USE
from ui.access import presence, session, sign_in
from ui.panels import passkey_panel, theme
from ui.state import adding, record, state
from ui.words.markup import Markup, chip, tag

if TYPE_CHECKING:
    from streamlit.navigation.page import Page


def bar(pages: Iterable[Page]) -> None:
    """The product, the pages that this account may open, what all this is not, and who reads."""
    if presence.demonstration():
        st.html(
            tag(
                "p",
                f"Demonstration: everyone who opens this page reads as {state.reader()}.",
                class_="demonstration",
                role="note",
            )
        )
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="bar")
    row.html(tag("span", "Triptych", class_="product"), width="content")
    for page in pages:
        row.page_link(page, label=page.title, width="content")
    row.html(tag("span", RESEARCH_USE, class_="research", role="note"), width="stretch")
    row.html(
        tag("span", tag("b", state.reader()), f" {state.role()}", class_="reader"), width="content"
    )
    with row:
        theme.switch()
    if presence.has_password():
        with row.popover("Password", key="own-password"):
            _own_password()
    if not presence.demonstration():
        row.button("Sign out", key="sign-out", on_click=adding.sign_out)


def alarms() -> None:
    """Under the bar of an auditor or administrator: whose password somebody seems to guess."""
    found = record.guesses()
    if found:
        st.html(tag("div", *map(_alarm, found), class_="warnings", role="alert"))


def _alarm(guesses: Guesses) -> Markup:
    whom = (
        "under names without an account"
        if guesses.actor == session.UNKNOWN
        else f"as {guesses.actor}"
    )
    return tag(
        "p",
        tag("b", f"{guesses.times} attempts to sign in {whom} were refused in the last day."),
        f"The last was at {guesses.last[:16].replace('T', ' ')} UTC. Find out whose they were; the"
        " Audit page lists them as Refused.",
        class_="bad",
    )


def _own_password() -> None:
    with st.form("own-password-form", clear_on_submit=True, border=False):
        current = st.text_input("Current password", type="password", key="own-current")
        new = st.text_input("New password", type="password", key="own-new")
        done = st.form_submit_button("Change password", type="primary")
    st.html(tag("a", "Add a passkey", href=passkey_panel.ADDRESS, target="_blank", rel="noopener"))
    if not done:
        return
    try:
        record.change_own_password(current, new)
    except AccountError as error:
        refusal(error)
    else:
        st.success("Your password has been changed.")


def masthead(title: str, *facts: str) -> DeltaGenerator:
    """What is on the screen; stays in view.

    Returns:
        The row, for buttons at its end.
    """
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="masthead")
    row.html(
        tag(
            "header",
            tag("h1", title),
            tag("span", *(tag("span", fact) for fact in facts if fact), class_="facts"),
            class_="masthead",
        )
    )
    return row


def signed_out() -> None:
    """Nobody is signed in: static/watch.js leaves when it sees this, and a click does."""
    link = tag("a", "Sign in", href=sign_in.ADDRESS, target="_self")
    st.html(tag("p", "You are signed out. ", link, class_="empty signed-out"))


def refusal(error: TriptychError) -> None:
    """An error that the reader can do something about."""
    st.error(error.message)
    if error.remedy:
        st.caption(f"What to do: {error.remedy}")


def unreachable(error: TriptychError) -> None:
    """The workspace does not answer, so that not even the bar can be shown."""
    st.html(tag("p", RESEARCH_USE, class_="research", role="note"))
    refusal(error)


def audit_strip(*facts: str | Markup) -> None:
    """State of the ledger, and a button to verify it again."""
    line, button = st.columns([0.88, 0.12], vertical_alignment="center")
    again = button.button("Verify ledger", key="verify", width="stretch")
    found = state.verified(again=again)
    verdict = found.verdict
    mark = (
        chip("intact", "good")
        if verdict.intact
        else chip(f"broken{verdict.where}", "bad", verdict.reason)
    )
    since = state.events_count() - verdict.events
    later = f", {since} since" if since > 0 and verdict.intact else ""
    line.html(
        tag(
            "footer",
            tag("b", "Audit ledger "),
            mark,
            f" verified {found.time:%H:%M:%S}, {verdict.events} events{later}",
            *(tag("span", fact, class_="fact") for fact in facts),
            class_="audit",
        )
    )


def panel_title(title: str, detail: str | Markup = "") -> Markup:
    """Heading of a panel."""
    return tag("div", tag("h2", title), tag("span", detail, class_="detail"), class_="panel-title")
