"""Ask the signed-in user for their password again before a sensitive action."""

from __future__ import annotations

import math

from sqlalchemy import Engine

from clinical.access import accounts
from clinical.access.roles import Role
from clinical.errors import AccountError, SignInRefused
from ui.access import login_throttle, presence, session


def asked() -> bool:
    """Whether a password can be asked for: not in a demonstration, nor where only OIDC vouches."""
    return presence.has_password()


def confirm(password: str) -> bool:
    """True if this is the password of the account that is signed in; guessing it is slow, and
    recorded.

    Raises:
        AccountError: if it is not.
        AccessRefused: if nobody is signed in.
    """
    return confirm_of(presence.engine(), presence.reader(), presence.role(), password)


def confirm_of(engine: Engine, name: str, role: Role, password: str) -> bool:
    """`confirm` for an account that is known to be signed in.

    Raises:
        AccountError: if it is another password, or came too soon after several wrong ones. That one
            is not looked at: it may be the right one, so it is no refusal in the record, and the
            wait does not grow.
    """
    seconds = login_throttle.wait(name)
    if seconds > 0:
        raise AccountError(
            "Several wrong passwords in a row, so this one was not checked.",
            remedy=f"send it again in {math.ceil(seconds)} s.",
        )
    try:
        accounts.authenticate(engine, name, password)
    except SignInRefused as error:
        login_throttle.failed(name)
        session.record_refusal(engine, name, role, "confirm")
        raise AccountError("Wrong password.", remedy=error.remedy) from None
    login_throttle.succeeded(name)
    return True
