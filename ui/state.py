"""All cache and all session state of the page; nothing else touches the workspace.

Caches are keyed by digests of what they hold, so a new assessment or event is seen at the next
run. The case on the screen lives in the session, never in the address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import streamlit as st
from sqlalchemy import Engine

from clinical import review, store
from clinical.assessment import Action, Assessment, AuditEvent
from clinical.audit import ledger, verify
from clinical.case import Array, Case
from clinical.database import open_workspace
from clinical.roles import Role, may
from ui.reading_order import Row, View
from ui.viewer import transport

CASE = "triptych_case"
REQUESTED = "triptych_requested"
DIAGNOSIS = "triptych_diagnosis"
PENDING = "triptych_pending"
VIEW = "triptych_view"

Task = Literal[Action, "sign", "amend"]
"""What a reader has begun and not finished."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One case on the screen with what the machine made of it.

    Attributes:
        case: with its pixels, as the assessment saw it.
        digest: of the assessment.
        assessment: the latest of the case.
        events: all events of the case that this reader may see, in order, as of this run.
    """

    case: Case
    digest: str
    assessment: Assessment
    events: tuple[AuditEvent, ...]


@dataclass(frozen=True)
class Verified:
    """What the last verification of the whole ledger found, and when."""

    verdict: verify.Verdict
    time: datetime


def workspace() -> Path:
    """The folder that this page reads and writes."""
    return Path(st.secrets["workspace"])


def reader() -> str:
    """The account that decisions are recorded under."""
    return str(st.secrets["reader"])


def role() -> Role:
    """What this account may do (`clinical.roles`)."""
    named: Role = st.secrets["role"]
    return named


def engine() -> Engine:
    """The open workspace, for the modules beside this one that keep state of their own."""
    return _engine(workspace())


def rows() -> tuple[Row, ...]:
    """Every case with its review status, as of now.

    Where a first read comes before the machine's, what the machine says of a case that this reader
    has not read yet is left out: the worklist would give it away.
    """
    with engine().connect() as connection:
        head = ledger.head(connection)
        protocol = review.in_force(connection)
        blind = protocol.first_read and may(role(), "decide")
    found = _rows(workspace(), head.hash)
    if not blind:
        return found
    shown = _shown_cases(workspace(), head.hash, reader())
    return tuple(row if row.entry.case_id in shown else _blinded(row) for row in found)


def _blinded(row: Row) -> Row:
    entry = replace(row.entry, top=None, dangerous=None, flagged=False, conflicts=0)
    return replace(row, entry=entry)


def case(case_id: str, input_digest: str) -> Case:
    """The case with its pixels, with the inputs of that digest.

    Raises:
        StoreError: if the workspace does not hold it.
    """
    return _case(workspace(), case_id, input_digest)


def comment(digest: str) -> str:
    """The text of a recorded comment, "" for none."""
    if not digest:
        return ""
    with _engine(workspace()).connect() as connection:
        return store.get_comment(connection, digest)


def pixels(array: Array) -> bytes:
    """What the viewer's pixel carrier sends for `array`."""
    return _pixels(array.digest, array)


def view() -> View:
    """How the worklist is arranged in this session."""
    arranged = st.session_state.get(VIEW)
    return arranged if isinstance(arranged, View) else View()


def arrange(changed: View) -> None:
    """Keep another arrangement of the worklist."""
    st.session_state[VIEW] = changed


def open_case(case_id: str) -> None:
    """Put another case on the screen."""
    st.session_state[CASE] = case_id
    st.session_state[REQUESTED] = True
    st.session_state.pop(DIAGNOSIS, None)
    st.session_state.pop(PENDING, None)


def requested() -> bool:
    """Whether a case was asked for since the last call; then it is time to change the page.

    The worklist asks this instead of `current_case`, so that the browser's Back leads to it.
    """
    return bool(st.session_state.pop(REQUESTED, False))


def close_case() -> None:
    """Go back to having no case on the screen."""
    for key in (CASE, REQUESTED, DIAGNOSIS, PENDING):
        st.session_state.pop(key, None)


def current_case() -> str | None:
    """The case on the screen, or None."""
    return st.session_state.get(CASE)


def select(diagnosis: str) -> None:
    """Colour the panels by another diagnosis."""
    st.session_state[DIAGNOSIS] = diagnosis
    st.session_state.pop(PENDING, None)


def selected(assessment: Assessment) -> str:
    """The diagnosis that colours the panels: the reader's choice, else the first suggestion."""
    names = [suggestion.diagnosis for suggestion in assessment.suggestions]
    chosen = st.session_state.get(DIAGNOSIS)
    return chosen if chosen in names else names[0]


def begin(task: Task) -> None:
    """Ask for what a decision or a signature still needs."""
    st.session_state[PENDING] = task


def pending() -> Task | None:
    """What waits for its reason or confirmation, or None."""
    return st.session_state.get(PENDING)


def cancel() -> None:
    """Drop what waits."""
    st.session_state.pop(PENDING, None)


def events_count() -> int:
    """Number of events in the ledger now."""
    with _engine(workspace()).connect() as connection:
        return ledger.head(connection).sequence


def verified(*, again: bool = False) -> Verified:
    """The ledger's state, verified when the page was first opened, each hour, and when asked.

    It reads every record, so it is not done at each run of the page.
    """
    if again:
        _verified.clear()
    return _verified(workspace())


@st.cache_resource(show_spinner=False)
def _engine(folder: Path) -> Engine:
    return open_workspace(folder)


@st.cache_resource(show_spinner=False, max_entries=2)
def _rows(folder: Path, head: str) -> tuple[Row, ...]:  # noqa: ARG001  (the key of the cache)
    with _engine(folder).connect() as connection:
        statuses = review.statuses(connection)
        entries = store.worklist(connection)
    return tuple(Row(entry, statuses.get(entry.case_id, "unassessed")) for entry in entries)


@st.cache_resource(show_spinner=False, max_entries=8)
def _shown_cases(folder: Path, head: str, name: str) -> set[str]:  # noqa: ARG001  (as above)
    with _engine(folder).connect() as connection:
        return review.shown_cases(connection, name)


@st.cache_resource(show_spinner=False, max_entries=8)
def _case(folder: Path, case_id: str, input_digest: str) -> Case:
    with _engine(folder).connect() as connection:
        return store.get_case(connection, case_id, input_digest=input_digest)


@st.cache_resource(show_spinner=False, ttl=3600)
def _verified(folder: Path) -> Verified:
    with _engine(folder).connect() as connection:
        return Verified(verify.verify(connection), datetime.now().astimezone())


@st.cache_resource(show_spinner=False, max_entries=8)
def _pixels(digest: str, _array: Array) -> bytes:
    return transport.to_bytes(digest, transport.to_samples(_array))
