"""Passkeys of accounts: something that a reader has, beside the password that they know.

They are kept nowhere but in the ledger: an ACCOUNT event adds one with its public key, another one
takes away all of the account's. Neither is a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from clinical.access import accounts
from clinical.audit import ledger, passkey, search
from clinical.audit.passkey import Assertion
from clinical.audit.search import Sought
from clinical.errors import AccountError
from clinical.workspace.database import writing

MOST = 10  # of one account


@dataclass(frozen=True)
class Passkey:
    """One passkey.

    Attributes:
        credential: its identifier, base64url.
        public_key: SubjectPublicKeyInfo (DER), base64url.
    """

    credential: str
    public_key: str


def of(connection: Connection, name: str) -> list[Passkey]:
    """The passkeys of an account, oldest first."""
    found: dict[str, Passkey] = {}
    for event in ledger.events(connection, case_id="", kind="ACCOUNT"):
        payload = event.payload
        if payload.get("account") != name:
            continue
        if payload.get("change") == "passkey":
            one = Passkey(str(payload["credential"]), str(payload["public_key"]))
            found[one.credential] = one
        elif payload.get("change") == "no_passkeys":
            found.clear()
    return list(found.values())


def last_counter(connection: Connection, name: str, held: Passkey) -> int:
    """What a passkey of an account counted at its last signature; 0 if it made none."""
    digest = passkey.credential_digest(held.credential)
    signed = Sought(actor=name, kinds=("SIGNED",))
    found = search.last(connection, signed, f'"credential":"{digest}"')
    return passkey.counter_in(found.payload) if found else 0


def register(
    engine: Engine, name: str, public_key: str, assertion: Assertion, asked: str
) -> Passkey:
    """Add a passkey to an account; it has shown that it works by an answer to a challenge.

    Raises:
        AccountError: if the answer does not hold, the passkey is known, or there are too many.
    """
    if why := passkey.objection(public_key, assertion, asked):
        raise AccountError(f"The passkey was not added: {why}.", remedy="begin again.")
    made = Passkey(assertion.credential, public_key)
    with writing(engine) as connection:
        held = of(connection, name)
        if made.credential in {one.credential for one in held} or len(held) >= MOST:
            raise AccountError(
                f"This passkey is known already, or the account has {MOST}.",
                remedy="use one that is known.",
            )
        accounts.record_change(
            connection,
            name,
            name,
            "passkey",
            {"credential": made.credential, "public_key": made.public_key},
        )
    return made


def disable(engine: Engine, name: str, *, actor: str = "system") -> None:
    """Take no passkey of an account any more, because one was lost; it may register others.

    Raises:
        AccountError: if there is no such account, or it has none.
    """
    with writing(engine) as connection:
        accounts.require(connection, name)
        if not of(connection, name):
            raise AccountError(f"The account {name} has no passkeys.", remedy="nothing is needed.")
        accounts.record_change(connection, actor, name, "no_passkeys", {})
