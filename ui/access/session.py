"""Who is signed in: sessions of this server, in memory, found by a random token in a cookie.

The browser holds the token in a cookie that no script can read; the server holds its SHA-256 with
the account and the time of the last interaction. A session ends when it is asked to, when nobody
did anything for its idle time, when its account is disabled or gets another password from somebody
else (on this machine or another one), and with the server. Each beginning and end is an event.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

from sqlalchemy import Engine

from clinical.access import accounts
from clinical.access.accounts import Account
from clinical.access.roles import Permission, Role
from clinical.audit import ledger
from clinical.errors import SignInRefused
from clinical.workspace.database import writing
from ui.access import refusals

By = Literal["password", "oidc"]
Why = Literal["asked", "idle", "disabled", "password", "stopped"]

UNKNOWN = "unknown name"


@dataclass(frozen=True)
class Session:
    """One sign-in.

    Attributes:
        account: name of the account.
        since: number of the event that recorded it.
        idle: seconds without interaction after which it ends.
        seen: `time.monotonic()` of the last interaction.
    """

    account: str
    since: int
    idle: float
    seen: float

    @property
    def left(self) -> float:
        """Seconds until it ends by itself; not above 0 when it has ended."""
        return self.seen + self.idle - time.monotonic()


_live: dict[str, Session] = {}
_lock = Lock()
_secret = secrets.token_bytes(32)


def sign_in(engine: Engine, name: str, password: str, idle: float) -> str:
    """Open a session by password and record it.

    Returns:
        The token for the cookie.

    Raises:
        SignInRefused: if the password opens no account; the refusal is recorded, what was typed is
            not.
    """
    try:
        account = accounts.authenticate(engine, name, password)
    except SignInRefused:
        _record_no_entry(engine, name, "password")
        raise
    return _begin(engine, account, "password", idle)


def sign_in_vouched(engine: Engine, name: str, idle: float) -> str:
    """Open a session for a name that an OIDC provider vouches for ("" if for none), and record it.

    Raises:
        SignInRefused: if no enabled account has this name; the refusal is recorded.
    """
    with engine.connect() as connection:
        account = accounts.find(connection, name)
    if account is None or account.disabled:
        _record_no_entry(engine, name, "password" if name else "unverified")
        raise SignInRefused(
            "Your organisation signed you in, but you have no account in this workspace.",
            remedy="ask an administrator for an account with your e-mail address as its name.",
        )
    return _begin(engine, account, "oidc", idle)


def find(token: str) -> Session | None:
    """The session of a token, or None if there is none or its idle time has passed."""
    with _lock:
        found = _live.get(_key(token))
    return found if found and found.left > 0 else None


def holder(engine: Engine, token: str) -> Account | None:
    """The account that the token signs in now, or None; a session that is over is ended."""
    end_idle(engine)
    found = find(token)
    if found is None:
        return None
    with engine.connect() as connection:
        account = accounts.find(connection, found.account)
        reset = accounts.was_reset(connection, found.account, after=found.since)
    if account is None or account.disabled or reset:
        end(engine, token, "password" if account and not account.disabled else "disabled")
        return None
    return account


def page_key(token: str) -> str:
    """What the page of a session shows beside its cookie, 64 hexadecimal digits.

    The browser sends the cookie to every port of the machine, and this to none. It does not follow
    from the cookie; only this server makes it.
    """
    return hmac.new(_secret, token.encode(), hashlib.sha256).hexdigest()


def is_page_key(token: str, shown: str) -> bool:
    """Whether this is the page key of the session."""
    return hmac.compare_digest(page_key(token).encode(), shown.encode())


def touch(token: str) -> None:
    """Note an interaction: the idle time starts again, unless it has passed already."""
    with _lock:
        found = _live.get(_key(token))
        if found and found.left > 0:
            _live[_key(token)] = replace(found, seen=time.monotonic())


def end(engine: Engine, token: str, why: Why) -> None:
    """End a session and record it; one that has ended stays as it is."""
    _end(engine, _key(token), why)


def end_idle(engine: Engine) -> None:
    """End every session whose idle time has passed, also where nobody asks for it any more."""
    with _lock:
        over = [key for key, session in _live.items() if session.left <= 0]
    for key in over:
        _end(engine, key, "idle")


def end_of(engine: Engine, name: str, why: Why) -> None:
    """End every session of an account."""
    with _lock:
        keys = [key for key, session in _live.items() if session.account == name]
    for key in keys:
        _end(engine, key, why)


def end_all(engine: Engine) -> None:
    """End every session, because the server stops, and record the refusals that were counted."""
    refusals.settle(engine, all_of_them=True)
    with _lock:
        keys = list(_live)
    for key in keys:
        _end(engine, key, "stopped")


def number() -> int:
    """How many sign-ins last."""
    with _lock:
        return sum(session.left > 0 for session in _live.values())


def record_refusal(
    engine: Engine, name: str, role: Role, what: Permission | Literal["confirm"]
) -> None:
    """Append REFUSED: a signed-in account was not allowed something.

    Args:
        engine: the workspace.
        name, role: of the account.
        what: what its role does not allow; or "confirm", where the password that it was asked for
            once more was not right.
    """
    payload = {"what": what, "why": "password" if what == "confirm" else "role", "role": role}
    with writing(engine) as connection:
        ledger.append(connection, "REFUSED", actor=name, payload=payload)


def _begin(engine: Engine, account: Account, by: By, idle: float) -> str:
    token = secrets.token_urlsafe(32)
    payload = {"role": account.role, "by": by}
    with writing(engine) as connection:
        event = ledger.append(connection, "SIGNED_IN", actor=account.name, payload=payload)
    with _lock:
        _live[_key(token)] = Session(account.name, event.sequence, idle, time.monotonic())
    return token


def _end(engine: Engine, key: str, why: Why) -> None:
    with _lock:
        ended = _live.pop(key, None)
    if ended is None:
        return
    with writing(engine) as connection:
        ledger.append(connection, "SIGNED_OUT", actor=ended.account, payload={"why": why})


def record_unknown(engine: Engine, *, verified: bool = True) -> None:
    """Append REFUSED, or count it: a name that no account has, or that nobody vouches for."""
    refusals.note(engine, UNKNOWN, "sign_in", "unknown" if verified else "unverified")


def record_other_page(engine: Engine, token: str) -> None:
    """Append REFUSED, or count it: a page of another address asked for something.

    Args:
        engine: the workspace.
        token: of the session that its request carried, or "".
    """
    found = find(token)
    refusals.note(engine, found.account if found else UNKNOWN, "request", "origin")


def _record_no_entry(engine: Engine, name: str, why: Literal["password", "unverified"]) -> None:
    with engine.connect() as connection:
        account = accounts.find(connection, name)
    if account is None:
        record_unknown(engine, verified=why != "unverified")
        return
    payload = {"what": "sign_in", "why": "disabled" if account.disabled else why}
    with writing(engine) as connection:
        ledger.append(connection, "REFUSED", actor=account.name, payload=payload)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
