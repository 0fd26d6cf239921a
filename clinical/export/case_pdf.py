"""One case as a PDF: the pages that the report of an export has for it, as the record stands now.

That it was made is an event, as an export is: EXPORTED names the SHA-256 of the file, so that a
copy can be told from a forgery, and where the ledger stood. No PDF leaves without its event.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.access.roles import Role, may
from clinical.audit import heads, keys, ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import LedgerError, ReviewError, StoreError
from clinical.export import pdf
from clinical.export.case_page import AbsentCase, CasePage, case_page, spoiled
from clinical.export.pdf import Standing
from clinical.review import progress
from clinical.review import protocol as protocol_rules
from clinical.workspace.database import writing

WHAT = "case_pdf"
"""`what` of the EXPORTED event."""


@dataclass(frozen=True)
class CasePdf:
    """A PDF of one case and the EXPORTED event that names it."""

    data: bytes
    event: AuditEvent


def check_case_pdf(*, withheld: bool, hidden: bool) -> None:
    """Refuse a PDF to a reader from whom something is kept: everything of the case is in it.

    Args:
        withheld: the model's output waits for their first read.
        hidden: other readers' decisions wait for their signature.

    Raises:
        ReviewError: if either is so.
    """
    if withheld:
        raise ReviewError(
            "The PDF would show the model's suggestions.",
            remedy="commit your own first read first.",
        )
    if hidden:
        raise ReviewError(
            "The PDF would show the other reader's decisions.",
            remedy="sign your own reading first.",
        )


def make_case_pdf(
    engine: Engine, case_id: str, *, actor: str, role: Role, time: datetime | None = None
) -> CasePdf:
    """Set the PDF of a case from one moment of the record, and record that it was made.

    Args:
        engine: the workspace.
        case_id: the case.
        actor, role: of the account that asks for it.
        time: of the PDF; now if left out.

    Raises:
        ReviewError: if there is nothing to read, or as `check_case_pdf`.
        StoreError: if typst cannot set it.
        LedgerError: if the ledger cannot be appended to.
    """
    moment = time or datetime.now(UTC)
    heads.seal(engine)  # so that a signature covers what is shown
    with engine.connect() as connection:  # one read transaction: all of one moment
        past = list(ledger.events(connection, case_id=case_id))
        protocol, now = protocol_rules.in_force(connection), progress.progress(past)
        if now.subject is None:
            raise ReviewError("There is nothing to read of this case.", remedy="assess it first.")
        check_case_pdf(
            withheld=progress.withheld(now, actor, role, protocol, case_id),
            hidden=may(role, "decide") and progress.hides_others(now, actor, protocol, case_id),
        )
        standing = _standing(connection, moment, actor)
        page = _page(connection, case_id)
    lines = (canonical.dumps(ledger.as_json(event)) + b"\n" for event in past)
    data = pdf.printed_case(standing, page, lines)
    payload = {
        "what": WHAT,
        "cases": 1,
        "pdf": canonical.sha256(data),
        "head": {"sequence": standing.events, "hash": standing.head},
    }
    with writing(engine) as connection:
        event = ledger.append(
            connection, "EXPORTED", actor=actor, case_id=case_id, payload=payload, time=time
        )
    return CasePdf(data, event)


def _page(connection: Connection, case_id: str) -> CasePage | AbsentCase:
    try:
        return case_page(connection, case_id)
    except (StoreError, LedgerError) as error:
        return spoiled(case_id, error.message)


def _standing(connection: Connection, moment: datetime, actor: str) -> Standing:
    end, signed = ledger.head(connection), heads.latest(connection)
    key = keys.key_digest(signed.public_key) if signed else ""
    return Standing(moment, actor, end.sequence, end.hash, signed.size if signed else 0, key)
