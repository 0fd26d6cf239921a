"""All cache and all session state of the page; nothing else touches the workspace.

Caches are keyed by digests of what they hold, so a new assessment or event is seen at the next
run. The case on the screen lives in the session, never in the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from sqlalchemy import Engine

from clinical import review, store
from clinical.assessment import Action, Assessment, AuditEvent, ReviewDecision
from clinical.audit import ledger, verify
from clinical.case import Array, Case
from clinical.database import open_workspace
from clinical.roles import Role
from ui import caseload, reading_order
from ui.reading_order import Row, View
from ui.viewer import transport

CASE = "triptych_case"
REQUESTED = "triptych_requested"
DIAGNOSIS = "triptych_diagnosis"
PENDING = "triptych_pending"
OPENED = "triptych_opened"
VIEW = "triptych_view"
ORDER = "triptych_order"


@dataclass(frozen=True, eq=False)
class Reading:
    """One case on the screen.

    Attributes:
        case: with its pixels, as the assessment saw it.
        digest: of the assessment.
        assessment: the latest of the case.
        events: all events of the case in order, as of this run.
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
    """Every assessed case with its review status, as of now."""
    return caseload.current(engine(), workspace()).rows


def ordered() -> list[Row]:
    """The rows in the order that the worklist last had.

    A case that is decided on keeps its place until the worklist is looked at again, so that "next"
    still means what it meant when the case was opened.
    """
    found = rows()
    kept: tuple[str, ...] | None = st.session_state.get(ORDER)
    if kept is None:
        return reading_order.arrange(found, view())
    by_case = {row.entry.case_id: row for row in found}
    return [by_case[case_id] for case_id in kept if case_id in by_case]


def keep_order(shown: Sequence[Row]) -> None:
    """Let next and previous follow the rows that the worklist shows."""
    st.session_state[ORDER] = tuple(row.entry.case_id for row in shown)


def reading(case_id: str) -> Reading | None:
    """The case with its latest assessment and events; None if it has no assessment.

    Raises:
        StoreError: if the store does not hold what the assessment was made of.
    """
    with _engine(workspace()).connect() as connection:
        latest = store.latest_assessment(connection, case_id)
        events = tuple(ledger.events(connection, case_id=case_id))
    if latest is None:
        return None
    digest, assessment = latest
    case = _case(workspace(), case_id, assessment.input_digest)
    return Reading(case, digest, assessment, events)


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


def record_opened(shown: Reading) -> Reading:
    """Append OPENED the first time this session shows this assessment; returns the new events."""
    opened: set[int] = st.session_state.setdefault(OPENED, set())
    # By event, not by digest: the same assessment may come back after another one.
    assessed = max((e.sequence for e in shown.events if e.kind == "ASSESSED"), default=0)
    if assessed in opened:
        return shown
    event = review.record_opened(_engine(workspace()), shown.case.case_id, reader())
    opened.add(assessed)
    return Reading(shown.case, shown.digest, shown.assessment, (*shown.events, event))


def select(diagnosis: str) -> None:
    """Colour the panels by another diagnosis."""
    st.session_state[DIAGNOSIS] = diagnosis
    st.session_state.pop(PENDING, None)


def selected(assessment: Assessment) -> str:
    """The diagnosis that colours the panels: the reader's choice, else the first suggestion."""
    names = [suggestion.diagnosis for suggestion in assessment.suggestions]
    chosen = st.session_state.get(DIAGNOSIS)
    return chosen if chosen in names else names[0]


def begin(action: Action) -> None:
    """Ask for the reason of a decision that needs one."""
    st.session_state[PENDING] = action


def pending() -> Action | None:
    """The decision that waits for its reason, or None."""
    return st.session_state.get(PENDING)


def cancel() -> None:
    """Drop the decision that waits for its reason."""
    st.session_state.pop(PENDING, None)


def draft(
    shown: Reading,
    diagnosis: str,
    action: Action,
    reason: str = "",
    replacement: str = "",
    comment: str = "",
) -> ReviewDecision:
    """A decision by this reader, now."""
    return ReviewDecision(
        shown.case.case_id,
        shown.digest,
        diagnosis,
        action,
        reason,
        reader(),
        datetime.now(UTC),
        replacement,
        comment,
    )


def decide(decision: ReviewDecision) -> None:
    """Record a decision and its event in one transaction.

    Raises:
        ReviewError: if the rules of review do not allow it.
    """
    review.decide(_engine(workspace()), decision)
    cancel()


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
