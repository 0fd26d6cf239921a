"""Who may sign in: local accounts with a role and an argon2 hash, in the workspace database.

A change and its ACCOUNT event are one transaction; the event holds the name, what changed and the
digest of the row as it is then (`clinical.audit.account_rows`), never a password or its hash.
Hashes are argon2id with the library's own settings (RFC 9106, section 4, second recommended option:
64 MiB); an older hash is renewed when its owner signs in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, Row, insert, select, update

from clinical import canonical
from clinical.access.roles import Role, may, role_of
from clinical.audit import account_rows, ledger
from clinical.errors import AccountError, SignInRefused
from clinical.workspace.database import writing
from clinical.workspace.layout import ACCOUNTS, EVENTS

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
RESERVED = frozenset({"cds hooks", "receive", "system", "unknown name"})
"""Actors of the ledger that are no person."""

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1000  # characters; argon2 would hash a whole book

Change = Literal["added", "disabled", "enabled", "password", "renewed", "passkey", "no_passkeys"]


@dataclass(frozen=True)
class Account:
    """One account, without its hash.

    Attributes:
        name: what it signs in with, and the actor of its events; lower case.
        role: what it may do (`clinical.access.roles`).
        created: when, UTC.
        disabled: since when it cannot sign in, UTC, or None.
        has_password: False where only OIDC vouches for it.
    """

    name: str
    role: Role
    created: datetime
    disabled: datetime | None
    has_password: bool


def plain_name(typed: str) -> str:
    """A name as it is kept: without outer space, in lower case."""
    return typed.strip().lower()


def check_name(name: str) -> None:
    """Refuse a name that the ledger or a person could misread.

    Raises:
        AccountError: with what a name may hold.
    """
    if NAME.fullmatch(name) is None or name in RESERVED:
        raise AccountError(
            "This is not a valid account name.",
            remedy="use up to 100 lower-case letters, digits and . _ @ + -, beginning with a letter"
            f" or digit, and none of: {', '.join(sorted(RESERVED))}.",
        )


def check_password(name: str, password: str) -> None:
    """Refuse a password that is too easy: its length counts, not its kinds of characters.

    Source: NIST SP 800-63B.

    Raises:
        AccountError: if it is too short, absurdly long, or the name itself.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            f"A password needs at least {SHORTEST_PASSWORD} characters (and at most"
            f" {LONGEST_PASSWORD}).",
            remedy="use a sentence or several words.",
        )
    if plain_name(password) == name:
        raise AccountError("The password is the same as the name.", remedy="choose another one.")


def add(
    engine: Engine, name: str, role: Role, password: str | None, *, actor: str = "system"
) -> Account:
    """Make an account.

    Args:
        engine: the workspace.
        name: lower case; for OIDC the e-mail address that the provider vouches for.
        role: what it may do.
        password: None for an account that signs in by OIDC only.
        actor: who makes it; "system" is the command line.

    Raises:
        AccountError: if the name is taken or not a name, or the password is too easy.
        ConfigError: if there is no such role.
    """
    check_name(name)
    role = role_of(role)
    if password is not None:
        check_password(name, password)
    hashed = "" if password is None else _hasher().hash(password)
    now = datetime.now(UTC)
    with writing(engine) as connection:
        if find(connection, name) is not None:
            raise AccountError(f"An account named {name} already exists.", remedy="choose another.")
        connection.execute(
            insert(ACCOUNTS).values(
                name=name, role=role, hash=hashed, created=now.isoformat(), disabled=""
            )
        )
        record_change(connection, actor, name, "added", {})
    return Account(name, role, now, None, password is not None)


def disable(engine: Engine, name: str, *, actor: str = "system") -> None:
    """Keep an account from signing in; a session that it has ends at its next step.

    Raises:
        AccountError: if there is no such account, it is disabled already, or it is the actor's own.
    """
    if name == actor:
        raise AccountError(
            "Nobody can disable their own account.", remedy="ask another administrator."
        )
    _switch(engine, name, disabled=True, actor=actor)


def enable(engine: Engine, name: str, *, actor: str = "system") -> None:
    """Let a disabled account sign in again.

    Raises:
        AccountError: if there is no such account, or it is not disabled.
    """
    _switch(engine, name, disabled=False, actor=actor)


def set_password(engine: Engine, name: str, password: str, *, actor: str = "system") -> None:
    """Give an account another password.

    Raises:
        AccountError: if there is no such account, or the password is too easy.
    """
    check_password(name, password)
    hashed = _hasher().hash(password)
    with writing(engine) as connection:
        require(connection, name)
        connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(hash=hashed))
        record_change(connection, actor, name, "password", {})


def was_reset(connection: Connection, name: str, *, after: int) -> bool:
    """Whether somebody else has given an account another password since an event of the ledger."""
    changed = canonical.dumps({"account": name, "change": "password"}).decode()
    query = select(EVENTS.c.sequence).where(
        EVENTS.c.sequence > after,
        EVENTS.c.kind == "ACCOUNT",
        EVENTS.c.actor != name,
        # Canonical JSON: sorted keys, and a role follows these two.
        EVENTS.c.payload.startswith(changed.removesuffix("}") + ",", autoescape=True),
    )
    return connection.execute(query.limit(1)).first() is not None


def find(connection: Connection, name: str) -> Account | None:
    """The account of that name, disabled or not, or None."""
    row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()
    return _account(row) if row else None


def exists(engine: Engine, name: str) -> bool:
    """Whether an account has that name, disabled or not."""
    with engine.connect() as connection:
        return find(connection, name) is not None


def require(connection: Connection, name: str) -> Account:
    """`find` of an account that has to be there.

    Raises:
        AccountError: if it is not.
    """
    account = find(connection, name)
    if account is None:
        raise AccountError(
            "There is no account with that name.", remedy="see `triptych account list`."
        )
    return account


def everyone(connection: Connection) -> list[Account]:
    """All accounts by name, disabled ones too."""
    return [_account(row) for row in connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name))]


def readers(connection: Connection) -> list[str]:
    """Names of the accounts that can sign in and may decide, in the order of `everyone`."""
    return [a.name for a in everyone(connection) if not a.disabled and may(a.role, "decide")]


def authenticate(engine: Engine, name: str, password: str) -> Account:
    """The account that this name and password open. It takes as long for a name that is unknown.

    Raises:
        SignInRefused: if they open none; it does not say why, so that names cannot be guessed.
    """
    with engine.connect() as connection:
        query = select(ACCOUNTS).where(ACCOUNTS.c.name == name)
        row = connection.execute(query).one_or_none()
    kept = row.hash if row and row.hash else _nobody()
    right = len(password) <= LONGEST_PASSWORD and _matches(kept, password)
    if row is None or not row.hash or not right or row.disabled:
        raise wrong()
    if _hasher().check_needs_rehash(row.hash):
        renewed = _hasher().hash(password)
        with writing(engine) as connection:
            connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(hash=renewed))
            record_change(connection, name, name, "renewed", {})
    return _account(row)


def wrong() -> SignInRefused:
    """What everybody is told whom name and password let in nowhere."""
    return SignInRefused("Wrong name or password.", remedy="try again, or ask an administrator.")


def _matches(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobody() -> str:
    # Something to verify against where there is no account, so that the time tells nothing.
    return _hasher().hash("a password that nobody has")


def _switch(engine: Engine, name: str, *, disabled: bool, actor: str) -> None:
    with writing(engine) as connection:
        account = require(connection, name)
        if (account.disabled is not None) == disabled:
            raise AccountError(
                f"The account {name} is {'disabled' if disabled else 'enabled'} already.",
                remedy="see `triptych account list`.",
            )
        since = datetime.now(UTC).isoformat() if disabled else ""
        connection.execute(update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(disabled=since))
        record_change(connection, actor, name, "disabled" if disabled else "enabled", {})


def record_change(
    connection: Connection, actor: str, name: str, change: Change, more: Mapping[str, str]
) -> None:
    """Append ACCOUNT, which binds the row of the account as it is now."""
    row = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one()
    bound = account_rows.digest(row._mapping)
    payload = {"account": name, "change": change, "role": row.role, "row": bound, **more}
    ledger.append(connection, "ACCOUNT", actor=actor, payload=payload)


def _account(row: Row[tuple[object, ...]]) -> Account:
    fields = row._mapping
    role: Role = fields["role"]
    disabled = datetime.fromisoformat(fields["disabled"]) if fields["disabled"] else None
    created = datetime.fromisoformat(fields["created"])
    return Account(fields["name"], role, created, disabled, bool(fields["hash"]))
