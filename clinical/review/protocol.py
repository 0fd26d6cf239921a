"""How cases of a workspace are to be read: a first read without the model, a second reader.

The protocol is the last PROTOCOL event of the ledger, so that an auditor sees who set it and when,
and which protocol was in force at each decision. A workspace without one has the plain protocol.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError, ReviewError
from clinical.workspace.database import writing


@dataclass(frozen=True)
class Protocol:
    """How the cases of a workspace are read.

    Attributes:
        first_read: readers commit a differential before they see what the model made of a case.
        second_share: share of the cases that two readers have to sign, 0 to 1.
        passkey: a signature needs a passkey of its reader's.
    """

    first_read: bool = False
    second_share: float = 0.0
    passkey: bool = False

    def readers(self, case_id: str) -> int:
        """How many readers have to sign `case_id`: 1 or 2.

        The SHA-256 of the case's name decides, so that the choice is the same on every machine,
        independent of what is in the case, and stays when the share rises.
        """
        drawn = int(hashlib.sha256(case_id.encode()).hexdigest()[:8], 16) / 16**8
        return 2 if drawn < self.second_share else 1


PLAIN = Protocol()


def check_protocol(protocol: Protocol) -> None:
    """Refuse a share that is none.

    Raises:
        ReviewError: if `second_share` is not from 0 to 1.
    """
    if not (math.isfinite(protocol.second_share) and 0 <= protocol.second_share <= 1):
        raise ReviewError(
            "The fraction of cases with a second reader must be from 0 to 1.",
            remedy="give 0 for none, 1 for every case.",
        )


def set_protocol(
    engine: Engine, protocol: Protocol, actor: str, *, time: datetime | None = None
) -> AuditEvent | None:
    """Append PROTOCOL; it holds from now on, for cases that are open too.

    Returns:
        The event, or None where this protocol is in force already.

    Raises:
        ReviewError: as `check_protocol`.
    """
    check_protocol(protocol)
    with writing(engine) as connection:
        if in_force(connection) == protocol:
            return None
        payload: dict[str, object] = {
            "first_read": protocol.first_read,
            "second_share": protocol.second_share,
        }
        if protocol.passkey:
            payload["passkey"] = True
        return ledger.append(connection, "PROTOCOL", actor=actor, payload=payload, time=time)


def in_force(connection: Connection) -> Protocol:
    """The protocol of the workspace as of now.

    Raises:
        LedgerError: if its event was corrupted.
    """
    found = PLAIN
    for event in ledger.events(connection, case_id="", kind="PROTOCOL"):  # quick by the index
        try:
            found = Protocol(
                bool(event.payload["first_read"]),
                float(event.payload["second_share"]),
                event.payload.get("passkey") is True,
            )
        except (KeyError, TypeError, ValueError):
            raise LedgerError(
                f"Event {event.sequence} does not hold a protocol.",
                remedy="run `triptych audit verify`.",
            ) from None
    return found
