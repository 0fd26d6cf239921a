"""Who is to read a case: ASSIGNED events, of which the latest one for each case counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Engine

from clinical.access.roles import Role, may
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import ReviewError
from clinical.workspace import store
from clinical.workspace.database import writing

MOST = 500  # cases assigned at once
LONGEST = 100  # letters of an account name


def check_assignment(cases: Collection[str], reader: str, role: Role) -> None:
    """Refuse an assignment that may not be made.

    Args:
        cases: case_ids.
        reader: account name, or "" to assign to nobody.
        role: of whoever assigns.

    Raises:
        ReviewError: if the role may not assign, no case or too many are named, or the name is
            not one.
    """
    if not may(role, "assign"):
        raise ReviewError(
            f"An account with the role {role} may not assign cases.",
            remedy="ask an adjudicator or an administrator.",
        )
    if not 1 <= len(cases) <= MOST:
        raise ReviewError(
            f"{len(cases)} cases cannot be assigned at once.", remedy=f"select 1 to {MOST} cases."
        )
    if reader != reader.strip() or len(reader) > LONGEST:
        raise ReviewError("This is not an account name.", remedy="choose one of the accounts.")


def can_assign(cases: Collection[str], reader: str, role: Role) -> bool:
    """Whether `check_assignment` allows it."""
    try:
        check_assignment(cases, reader, role)
    except ReviewError:
        return False
    return True


def assign(engine: Engine, cases: Collection[str], reader: str, *, actor: str, role: Role) -> int:
    """Assign cases to one reader, in one transaction; a case that is theirs already is passed over.

    Returns:
        How many changed hands.

    Raises:
        ReviewError: as `check_assignment`, or if a case has no assessment; nothing is recorded.
    """
    with writing(engine) as connection:
        check_assignment(cases, reader, role)
        known = {entry.case_id for entry in store.worklist(connection, only=cases)}
        changed: list[ledger.Entry] = []
        for case_id in sorted(cases):
            if case_id not in known:
                raise ReviewError(f"Case {case_id} has no assessment.", remedy="assess it first.")
            past = ledger.events(connection, case_id=case_id, kind="ASSIGNED")
            if assigned(past) != reader:
                changed.append(ledger.Entry("ASSIGNED", actor, {"reader": reader}, case_id))
        return ledger.append_all(connection, changed)


def assigned(events: Iterable[AuditEvent]) -> str:
    """The reader that the events of one case assign it to, or ""."""
    reader = ""
    for event in events:
        if event.kind == "ASSIGNED":
            reader = str(event.payload.get("reader", ""))
    return reader
