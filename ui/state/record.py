"""Queries of the auditor's and administrator's pages, which never touch the workspace directly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from clinical.access import accounts
from clinical.access.accounts import Account
from clinical.access.roles import Role
from clinical.audit import search
from clinical.audit.search import Guesses, Sought
from clinical.case.assessment import AuditEvent
from clinical.export.bundle import export
from clinical.export.selection import Selection
from clinical.workspace import scratch
from ui.access import identity, presence, session

EXPORT = "triptych_export"
PAGE = "triptych_audit_page"

MANY_GUESSES = 5
GUESSED_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Found:
    """A page of events.

    Attributes:
        events: newest first.
        total: how many there are on all pages.
    """

    events: tuple[AuditEvent, ...]
    total: int


@dataclass(frozen=True)
class Export:
    """An export that waits to be fetched.

    Attributes:
        name: of the file; no case is in it.
        data: the ZIP that `clinical.export.bundle` wrote.
        intact: whether the ledger verified.
        cases: how many.
    """

    name: str
    data: bytes
    intact: bool
    cases: int


def find(sought: Sought, *, limit: int, skip: int) -> Found:
    """Events of the record, newest first.

    Raises:
        AccessRefused: if the role does not allow it.
        LedgerError: at an event that cannot be read.
    """
    presence.require("audit")
    with presence.engine().connect() as connection:
        events = search.newest(connection, sought, limit=limit, skip=skip)
        return Found(tuple(events), search.count(connection, sought))


def actors() -> list[str]:
    """Everybody who has an event."""
    with presence.engine().connect() as connection:
        return search.actors(connection)


def guesses() -> list[Guesses]:
    """Who was refused a sign-in many times in the last day; only for those who may audit.

    21 CFR 11.300(d): attempts to use what is somebody else's are reported to who looks after it.
    """
    if not presence.can("audit"):
        return []
    with presence.engine().connect() as connection:
        return search.guesses(connection, datetime.now(UTC) - GUESSED_FOR, least=MANY_GUESSES)


def prepare_export(
    case_ids: list[str] | None,
    progress: Callable[[int, int], None],
    *,
    de_identified: bool = False,
) -> None:
    """Write the record of some or all cases and keep it for this session; EXPORTED is recorded.

    Raises:
        AccessRefused: if the role does not allow it.
        StoreError: if there is no such case.
    """
    presence.require("export")
    with scratch.folder() as folder:
        done = export(
            presence.engine(),
            folder / "record.zip",
            actor=presence.reader(),
            wanted=Selection(None if case_ids is None else frozenset(case_ids)),
            progress=progress,
            de_identified=de_identified,
        )
        data = done.out.read_bytes()
    kind = "de-identified" if de_identified else "record"
    name = f"triptych-{kind}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.zip"
    st.session_state[EXPORT] = Export(name, data, done.verdict.intact, done.cases)


def exported() -> Export | None:
    """The export that waits in this session."""
    waiting = st.session_state.get(EXPORT)
    return waiting if isinstance(waiting, Export) else None


def drop_export() -> None:
    """Forget the export that waits."""
    st.session_state.pop(EXPORT, None)


def page_number(sought: Sought) -> int:
    """Which page of the events sought is shown, from 0; another search begins at its first."""
    shown = st.session_state.get(PAGE)
    return int(shown[1]) if isinstance(shown, tuple) and shown[0] == sought else 0


def turn_to(sought: Sought, number: int) -> None:
    """Show another page."""
    st.session_state[PAGE] = (sought, number)


def everyone() -> list[Account]:
    """All accounts.

    Raises:
        AccessRefused: if the role does not allow it.
    """
    presence.require("accounts")
    with presence.engine().connect() as connection:
        return accounts.everyone(connection)


def add_account(name: str, role: Role, password: str | None) -> None:
    """Make an account.

    Raises:
        AccessRefused: if the role does not allow it.
        AccountError: as `accounts.add`.
    """
    presence.require("accounts")
    plain = accounts.plain_name(name)
    accounts.add(presence.engine(), plain, role, password, actor=presence.reader())


def set_password(name: str, password: str) -> None:
    """Give an account another password; whoever is signed in with the old one is signed out.

    Raises:
        AccessRefused: if the role does not allow it.
        AccountError: as `accounts.set_password`.
    """
    presence.require("accounts")
    engine = presence.engine()
    accounts.set_password(engine, name, password, actor=presence.reader())
    session.end_of(engine, name, "password")


def change_own_password(current: str, new: str) -> None:
    """Give the account that is signed in another password; guessing the current one is slow.

    Raises:
        AccessRefused: if nobody is signed in.
        AccountError: if `current` is not its password, or as `accounts.set_password`.
    """
    identity.confirm(current)
    name, engine = presence.reader(), presence.engine()
    accounts.set_password(engine, name, new, actor=name)


def switch_account(name: str, *, disabled: bool) -> None:
    """Disable an account, or enable it again.

    Raises:
        AccessRefused: if the role does not allow it.
        AccountError: as `accounts.disable` and `accounts.enable`.
    """
    presence.require("accounts")
    change = accounts.disable if disabled else accounts.enable
    change(presence.engine(), name, actor=presence.reader())
