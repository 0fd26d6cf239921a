"""Key rotation: an event that names the new signing key, signed by the old one.

The event and a head over it are signed with the old key in one transaction; every later head is
signed with the new one. The old private key is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.audit import heads, keys, ledger, verifier
from clinical.audit.signer import KeyPlace
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError
from clinical.workspace.database import folder_of, writing


def rotate(
    engine: Engine,
    *,
    actor: str = "system",
    place: KeyPlace | None = None,
    in_file: bool = False,
) -> AuditEvent:
    """Make a new key and append KEY_ROTATED; the new key signs from the next head on.

    Args:
        engine: the workspace.
        actor: who asks.
        place: where to keep the new key; None for where the old one is.
        in_file: keep the new key in the key file, wherever the old one is.

    Raises:
        LedgerError: if nothing was signed yet, the ledger is not intact, the new key cannot be
            made, or the old one cannot be used; the old key stays in force then.
    """
    with writing(engine) as connection:
        folder = folder_of(connection)
        try:
            event = _recorded(
                connection, actor, None if in_file else place or keys.place_of(folder)
            )
        except LedgerError:
            keys.drop_next(folder)
            raise
    with writing(engine) as connection:
        heads.signing_key(connection)  # gives the new key its place
    return event


def _recorded(connection: Connection, actor: str, place: KeyPlace | None) -> AuditEvent:
    last = heads.latest(connection)
    if last is None:
        raise LedgerError(
            "Nothing has been signed with a key yet.", remedy="run `triptych audit sign` first."
        )
    old = heads.signing_key(connection)
    new = keys.make_next(folder_of(connection), place).public
    payload = {"old": keys.key_digest(old.public), "new": keys.key_digest(new)}
    payload["public_key"] = new
    payload["signature"] = old.sign(_statement(payload, last.origin))
    event = ledger.append(connection, "KEY_ROTATED", actor=actor, payload=payload)
    signed = heads.latest(connection)
    if signed is None or signed.size != event.sequence:
        raise LedgerError(
            "The ledger is broken; its key cannot be replaced until that is explained.",
            remedy="run `triptych audit verify`.",
        )
    return event


def _statement(payload: Mapping[str, Any], origin: str) -> bytes:
    named = {name: payload[name] for name in ("old", "new", "public_key")}
    return canonical.dumps({"statement": verifier.ROTATION_STATEMENT, "origin": origin, **named})
