"""The rows of the worklist, kept up to date by what is new in the ledger.

Ten thousand cases are read once. After that a run of the page asks for the events that came since,
and looks up only their cases; the result is the same as that of reading everything again.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import streamlit as st
from sqlalchemy import Connection, Engine

from clinical.audit import ledger
from clinical.audit.ledger import EMPTY, Head
from clinical.case.assessment import AuditEvent, EventKind
from clinical.case.shapes import sources_of
from clinical.review import assignment, danger, note, status
from clinical.review.danger import Danger
from clinical.review.priority import DANGEROUS
from clinical.workspace import store
from clinical.workspace.place import Place
from ui.state.worklist_order import Row

# Kinds of event without a case that change the row of no case; any other may change all of them.
ASIDE: frozenset[EventKind] = frozenset(
    {"ACCOUNT", "SIGNED_IN", "REFUSED", "EXPORTED", "REPORTED", "CLEARED", "SIGNED_OUT"}
)
MANY = 400  # changed cases; from here on, reading everything is quicker


class Seen(NamedTuple):
    """What a row says by the current record of its case, in the order of the fields of `Row`."""

    danger: Danger = danger.NONE
    bare: frozenset[str] = frozenset()
    patient: str = ""
    accessions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caseload:
    """Every assessed case as of one head of the ledger.

    Attributes:
        head: of the ledger that this is true for.
        rows: one for each case, by decision time.
        readers: account names that have been assigned a case, decided, or opened one.
    """

    head: Head = EMPTY
    rows: tuple[Row, ...] = ()
    readers: frozenset[str] = frozenset()


@dataclass
class _Kept:
    """The last caseload of a workspace, shared by all sessions."""

    caseload: Caseload = Caseload()
    lock: threading.Lock = field(default_factory=threading.Lock)


def current(engine: Engine, place: Place) -> Caseload:
    """The caseload of the workspace in `place`, as of now."""
    kept = _kept(place)
    # Two sessions at once: the second waits for what the first reads anyway.
    with kept.lock, engine.connect() as connection:
        kept.caseload = brought_up(connection, kept.caseload)
        return kept.caseload


def brought_up(connection: Connection, before: Caseload) -> Caseload:
    """`before` brought up to the present head; read again if the ledger is another one."""
    head = ledger.head(connection)
    if head == before.head:
        return before
    if before.head == EMPTY or not ledger.holds(connection, before.head):
        return read(connection)
    new = list(ledger.events(connection, after=before.head.sequence))
    changed = {event.case_id for event in new if event.case_id}
    general = any(not event.case_id and event.kind not in ASIDE for event in new)
    if general or len(changed) > MANY:
        return read(connection)
    entries = {
        entry.case_id: entry
        for entry in store.worklist(connection, dangerous=DANGEROUS, only=changed)
    }
    readers = before.readers | _readers(new)
    if not changed:
        return Caseload(head, before.rows, readers)
    seen = _seen(connection, changed)
    statuses = status.statuses(connection, only=changed)
    notes = note.counts(connection, only=changed)
    fresh = {
        case_id: Row(
            entry,
            statuses.get(case_id, "unassessed"),
            _assigned(connection, case_id),
            *seen.get(case_id, Seen()),
            notes.get(case_id, 0),
        )
        for case_id, entry in entries.items()
    }
    known = {row.entry.case_id for row in before.rows}
    purged = changed - entries.keys()
    rows = [
        fresh.get(row.entry.case_id, row) for row in before.rows if row.entry.case_id not in purged
    ]
    rows += [row for case_id, row in fresh.items() if case_id not in known]
    return Caseload(head, tuple(rows), readers)


def read(connection: Connection) -> Caseload:
    """The whole caseload in one pass over the ledger and one over the worklist."""
    head = ledger.head(connection)
    statuses = status.statuses(connection)
    assigned: dict[str, str] = {}
    for event in ledger.events(connection, kind="ASSIGNED"):
        assigned[event.case_id] = assignment.assigned([event])
    seen, notes = _seen(connection), note.counts(connection)
    rows = tuple(
        Row(
            entry,
            statuses.get(entry.case_id, "unassessed"),
            assigned.get(entry.case_id, ""),
            *seen.get(entry.case_id, Seen()),
            notes.get(entry.case_id, 0),
        )
        for entry in store.worklist(connection, dangerous=DANGEROUS)
    )
    readers = frozenset(ledger.actors(connection, kinds=("OPENED", "DECIDED")))
    return Caseload(head, rows, readers | frozenset(filter(None, assigned.values())))


def _seen(connection: Connection, only: Collection[str] | None = None) -> dict[str, Seen]:
    return {
        case_id: Seen(
            danger.of_record(record), _bare(record), record["patient_id"], _accessions(record)
        )
        for case_id, record in store.records(connection, only)
    }


def _accessions(record: Mapping[str, Any]) -> tuple[str, ...]:
    sources = (source for shape in record["inputs"].values() for source in sources_of(shape))
    numbers = (source.get("AccessionNumber", "") for source in sources)
    return tuple(dict.fromkeys(filter(None, numbers)))  # films of one order share it


def _bare(record: Mapping[str, Any]) -> frozenset[str]:
    """Inputs without a single item; there are such of age and sex alone."""
    return frozenset(name for name, shape in record["inputs"].items() if shape.get("items") == [])


def _assigned(connection: Connection, case_id: str) -> str:
    return assignment.assigned(ledger.events(connection, case_id=case_id, kind="ASSIGNED"))


def _readers(events: list[AuditEvent]) -> frozenset[str]:
    acted = {event.actor for event in events if event.kind in ("OPENED", "DECIDED")}
    given = {str(e.payload.get("reader", "")) for e in events if e.kind == "ASSIGNED"}
    return frozenset(acted | given - {""})


@st.cache_resource(show_spinner=False, max_entries=2)
def _kept(place: Place) -> _Kept:  # noqa: ARG001  (the key of the cache)
    return _Kept()
