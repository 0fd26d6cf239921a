"""Who is signed in to this browser page, and what the account may do, checked again each time.

Two kinds of page: one where everybody signs in (`ui.host.door`), and a demonstration, where
everybody reads under one name. Nothing is kept between runs, so that a disabled account can do
nothing more.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from sqlalchemy import Engine

from clinical.access.accounts import Account
from clinical.access.roles import Permission, Role, may
from clinical.errors import AccessRefused
from clinical.workspace.database import open_workspace
from clinical.workspace.place import Place, from_names
from ui.access import session
from ui.words.event_words import PERMISSIONS


def workspace() -> Place:
    """What this page reads and writes; the key of what is cached of it."""
    return from_names(st.secrets)


def demonstration() -> bool:
    """Whether everybody who opens this page reads under one name."""
    return "reader" in st.secrets


def signed_in() -> bool:
    """Whether somebody is, as of now."""
    return _present() is not None


def at_work() -> None:
    """Note an interaction: the idle time starts again."""
    session.touch(_token())


def reader() -> str:
    """The account that decisions are recorded under.

    Raises:
        AccessRefused: if nobody is signed in any more.
    """
    return _require_present()[0]


def role() -> Role:
    """What this account may do (`clinical.access.roles`), as of now.

    Raises:
        AccessRefused: if nobody is signed in any more.
    """
    return _require_present()[1]


def can(permission: Permission) -> bool:
    """Whether this account may do something; for what to show."""
    return may(role(), permission)


def require(*permissions: Permission) -> None:
    """Check again before doing what a page offered; any one of the permissions will do.

    Raises:
        AccessRefused: if the role does not allow it, which is recorded, or nobody is signed in.
    """
    _allow(engine(), _require_present(), permissions)


def _allow(place: Engine, present: tuple[str, Role], permissions: tuple[Permission, ...]) -> None:
    name, role = present
    if not any(may(role, permission) for permission in permissions):
        session.record_refusal(place, name, role, permissions[0])
        raise AccessRefused(
            f"An account with the role {role} may not {PERMISSIONS[permissions[0]]}.",
            remedy="sign in with another account, or ask an administrator.",
        )


def by_ticket(permission: Permission) -> Callable[[], tuple[str, Role]]:
    """What tells later, outside any run of the page, who this page belongs to by then.

    The call raises AccessRefused if the role does not allow it (which is recorded), or nobody is
    signed in any more.
    """
    place, token = engine(), _token()
    everybody = _present() if demonstration() else None

    def present() -> tuple[str, Role]:
        now = everybody or _of(session.holder(place, token))
        if now is None:
            raise _out()
        _allow(place, now, (permission,))
        return now

    return present


def sign_out() -> None:
    """End this session at the reader's wish."""
    session.end(engine(), _token(), "asked")


def has_password() -> bool:
    """Whether this account has a password that its owner could change."""
    account = None if demonstration() else session.holder(engine(), _token())
    return account is not None and account.has_password


def _present() -> tuple[str, Role] | None:
    if demonstration():
        named: Role = st.secrets["role"]
        return str(st.secrets["reader"]), named
    return _of(session.holder(engine(), _token()))


def _of(account: Account | None) -> tuple[str, Role] | None:
    return (account.name, account.role) if account else None


def _require_present() -> tuple[str, Role]:
    present = _present()
    if present is None:
        raise _out()
    return present


def _out() -> AccessRefused:
    return AccessRefused("You are signed out.", remedy="sign in again.")


def holder() -> str:
    """What tells the sessions of one sign-in from all others; a demonstration has but one."""
    return str(st.secrets["reader"]) if demonstration() else _token()


def _token() -> str:
    """What the cookie of this page holds; the sign-in route set it, and no script can read it."""
    return str(st.context.cookies.get(str(st.secrets.get("cookie", "")), ""))


def engine() -> Engine:
    """The workspace that this page reads and writes, opened once."""
    return opened(workspace())


@st.cache_resource(show_spinner=False)
def opened(place: Place) -> Engine:
    """The workspace in `place`, opened once; for what is cached by place."""
    return open_workspace(place)
