"""Ask the signed-in user for their password again before a sensitive action."""

from __future__ import annotations

from clinical.access import accounts
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
    name, engine = presence.reader(), presence.engine()
    try:
        if login_throttle.wait(name) > 0:
            raise SignInRefused("Too many attempts.", remedy="wait a minute.")
        accounts.authenticate(engine, name, password)
    except SignInRefused as error:
        login_throttle.failed(name)
        session.record_refusal(engine, name, presence.role(), "confirm")
        raise AccountError("Wrong password.", remedy=error.remedy) from None
    login_throttle.succeeded(name)
    return True
