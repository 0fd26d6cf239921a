"""What is done outside a run of the page is done for who is signed in by then, or for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.access import accounts
from clinical.access.roles import Role
from clinical.audit import ledger
from clinical.errors import AccessRefused
from clinical.workspace.database import open_workspace
from ui.access import presence, session

PASSWORD = "three quiet herons"
Ticket = Callable[[], tuple[str, Role]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_workspace(tmp_path, create=True)
    yield made
    session.end_all(made)
    made.dispose()


@pytest.fixture
def ticket(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[Role], tuple[Ticket, str]]:
    """A ticket to print of somebody who has just signed in, and their session."""

    def taken(role: Role) -> tuple[Ticket, str]:
        accounts.add(engine, f"dr.{role}", role, PASSWORD)
        token = session.sign_in(engine, f"dr.{role}", PASSWORD, idle=900)
        monkeypatch.setattr(presence, "demonstration", lambda: False)
        monkeypatch.setattr(presence, "engine", lambda: engine)
        monkeypatch.setattr(presence, "_token", lambda: token)
        return presence.by_ticket("print_case"), token

    return taken


def test_it_names_who_is_signed_in(ticket: Callable[[Role], tuple[Ticket, str]]) -> None:
    present, _ = ticket("reader")
    assert present() == ("dr.reader", "reader")


def test_it_is_void_once_they_are_signed_out(
    ticket: Callable[[Role], tuple[Ticket, str]], engine: Engine
) -> None:
    present, token = ticket("reader")
    session.end(engine, token, "asked")
    with pytest.raises(AccessRefused, match="signed out"):
        present()


def test_it_is_void_once_the_account_is_disabled(
    ticket: Callable[[Role], tuple[Ticket, str]], engine: Engine
) -> None:
    present, _ = ticket("auditor")
    accounts.disable(engine, "dr.auditor")
    with pytest.raises(AccessRefused, match="signed out"):
        present()


def test_a_role_that_may_not_is_refused_and_that_is_recorded(
    ticket: Callable[[Role], tuple[Ticket, str]], engine: Engine
) -> None:
    present, _ = ticket("administrator")
    with pytest.raises(AccessRefused, match="may not save a case as a PDF"):
        present()
    with engine.connect() as connection:
        (refused,) = ledger.events(connection, kind="REFUSED")
    assert (refused.actor, refused.payload["what"]) == ("dr.administrator", "print_case")
