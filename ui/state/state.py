"""All cache and all session state of the page; nothing else touches the workspace.

Caches are keyed by digests of what they hold, so a new assessment or event is seen at the next
run. The case on the screen lives in the session; the address names it by a number that says nothing
of it (`ui.state.address`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import streamlit as st

from clinical.audit import ledger, verify
from clinical.case.assessment import Action, Assessment, AuditEvent
from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.errors import TriptychError
from clinical.modalities import kit
from clinical.review import progress
from clinical.review import protocol as protocol_rules
from clinical.workspace import comments, store
from clinical.workspace.place import Place
from ui.access import presence
from ui.access.presence import engine as engine
from ui.access.presence import reader as reader
from ui.access.presence import role as role
from ui.access.presence import workspace as workspace
from ui.state import caseload, worklist_order
from ui.state.worklist_order import Row, View
from ui.viewer import transport

CASE = "triptych_case"
REQUESTED = "triptych_requested"
DIAGNOSIS = "triptych_diagnosis"
MODEL = "triptych_model"
PENDING = "triptych_pending"
REFUSED = "triptych_refused"
VIEW = "triptych_view"
ORDER = "triptych_order"
FIELDS = "triptych_fields"
BESIDE = "triptych_beside"
SETTLED = "triptych_settled"

THUMBNAIL = 132
"""Pixels of the longer side of a small picture."""

Task = Literal[Action, "sign", "amend"]
"""What a reader has begun and not finished."""


@dataclass(frozen=True, eq=False)
class Reading:
    """One case on the screen with what the model made of it.

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


def rows() -> tuple[Row, ...]:
    """Every case with its review status, as of now.

    Where a first read comes before the model's, what the model says of a case that this reader
    has not read yet is left out: the worklist would give it away.
    """
    found = caseload.current(engine(), workspace()).rows
    with engine().connect() as connection:
        head = ledger.head(connection)
        protocol = protocol_rules.in_force(connection)
    if not (protocol.first_read and presence.can("decide")):
        return found
    shown = _shown_cases(workspace(), head.hash, reader())
    return tuple(
        row if row.entry.case_id in shown else worklist_order.unopened(row) for row in found
    )


def head_of_rows() -> int:
    """Number of the last event that `rows` knows."""
    return caseload.current(engine(), workspace()).head.sequence


def ordered() -> list[Row]:
    """The rows in the order that the worklist last had.

    A case that is decided on keeps its place until the worklist is looked at again, so that "next"
    still means what it meant when the case was opened.
    """
    found = rows()
    kept: tuple[str, ...] | None = st.session_state.get(ORDER)
    if kept is None:
        return worklist_order.arrange(found, view())
    by_case = {row.entry.case_id: row for row in found}
    return [by_case[case_id] for case_id in kept if case_id in by_case]


def keep_order(shown: Sequence[Row]) -> None:
    """Let next and previous follow the rows that the worklist shows."""
    st.session_state[ORDER] = tuple(row.entry.case_id for row in shown)


def case(case_id: str, input_digest: str) -> Case:
    """The case with its pixels, with the inputs of that digest.

    Raises:
        StoreError: if the workspace does not hold it.
    """
    return _case(workspace(), case_id, input_digest)


def thumbnail(case_id: str) -> str:
    """The first image of a case of this workspace as a small picture (a data URI), "" for none."""
    return _thumbnail(workspace(), case_id)


def comment(digest: str) -> str:
    """The text of a recorded comment, "" for none."""
    if not digest:
        return ""
    with engine().connect() as connection:
        return comments.get(connection, digest)


def pixels(array: Array) -> bytes:
    """What the viewer's pixel carrier sends for `array`."""
    return _pixels(transport.frame_id(array), array)


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
    for key in (DIAGNOSIS, MODEL, PENDING, REFUSED, FIELDS, SETTLED):
        st.session_state.pop(key, None)


def settled() -> str | None:
    """The case whose form is on the screen with what stands in it, or None."""
    return st.session_state.get(SETTLED)


def settle(case_id: str) -> None:
    """The form of this case is on the screen from now on."""
    st.session_state[SETTLED] = case_id


def unsettle() -> None:
    """Something else came on the screen: Streamlit forgets what stood in the fields of a form."""
    st.session_state.pop(SETTLED, None)


def requested() -> bool:
    """Whether a case was asked for that is not on the screen yet; then the page has to change.

    The worklist asks this instead of `current_case`, so that the browser's Back leads to it.
    """
    return bool(st.session_state.get(REQUESTED, False))


def arrived() -> None:
    """The page of the case is on the screen."""
    st.session_state.pop(REQUESTED, None)


def close_case() -> None:
    """Go back to having no case on the screen."""
    for key in (CASE, REQUESTED, DIAGNOSIS, MODEL, PENDING, REFUSED, FIELDS, SETTLED):
        st.session_state.pop(key, None)


def current_case() -> str | None:
    """The case on the screen, or None."""
    return st.session_state.get(CASE)


def select(diagnosis: str) -> None:
    """Colour the panels by another diagnosis."""
    st.session_state[DIAGNOSIS] = diagnosis
    cancel()


def hear(assessment: str) -> None:
    """Show what another model made of the case, by the digest of its assessment."""
    st.session_state[MODEL] = assessment
    st.session_state.pop(DIAGNOSIS, None)
    cancel()


def chosen_model() -> str:
    """Digest of the assessment that the reader chose to see, or ""; it may be of another case."""
    return str(st.session_state.get(MODEL, ""))


def selected(assessment: Assessment) -> str:
    """The diagnosis that colours the panels: the reader's choice, else the first suggestion."""
    names = [suggestion.diagnosis for suggestion in assessment.suggestions]
    chosen = st.session_state.get(DIAGNOSIS)
    return chosen if chosen in names else names[0]


def begin(task: Task) -> None:
    """Ask for what a decision or a signature still needs."""
    st.session_state[PENDING] = task
    st.session_state.pop(FIELDS, None)
    accept()


def resume(task: Task, diagnosis: str | None, fields: Mapping[str, str]) -> None:
    """Ask again what was asked before, with what stood in the fields of the form."""
    st.session_state[FIELDS] = dict(fields)
    if diagnosis is not None:
        st.session_state[DIAGNOSIS] = diagnosis
    st.session_state[PENDING] = task


def left_in(key: str) -> str | None:
    """What stood in a field of the form that is resumed, as it was shown; None if none is.

    It is told once: after that the field is its reader's.
    """
    fields = st.session_state.get(FIELDS)
    if fields is None or (told := f"told {key}") in fields:
        return None
    fields[told] = ""
    return str(fields.get(key, ""))


def bring_back(beside: Mapping[str, str]) -> None:
    """What stood in the fields beside the form, for those that are drawn next."""
    st.session_state[BESIDE] = dict(beside)


def left_beside(name: str) -> str | None:
    """What stood in a field beside the form; None where nothing did. It is told once."""
    found: str | None = st.session_state.get(BESIDE, {}).pop(name, None)
    return found


def pending() -> Task | None:
    """What waits for its reason or confirmation, or None."""
    return st.session_state.get(PENDING)


def cancel() -> None:
    """Drop what waits."""
    st.session_state.pop(PENDING, None)
    st.session_state.pop(FIELDS, None)
    accept()


def refuse(error: TriptychError) -> None:
    """Keep why something was not done, until the reader does something else."""
    st.session_state[REFUSED] = error


def refused() -> TriptychError | None:
    """Why the last thing that the reader asked for was not done, or None."""
    return st.session_state.get(REFUSED)


def accept() -> None:
    """Forget that something was refused."""
    st.session_state.pop(REFUSED, None)


def events_count() -> int:
    """Number of events in the ledger now."""
    with engine().connect() as connection:
        return ledger.head(connection).sequence


def verified(*, again: bool = False) -> Verified:
    """The ledger's state, verified when the page was first opened, each hour, and when asked.

    It reads every record, so it is not done at each run of the page.
    """
    if again:
        _verified.clear()
    return _verified(workspace())


@st.cache_resource(show_spinner=False, max_entries=8)
def _shown_cases(place: Place, head: str, name: str) -> set[str]:  # noqa: ARG001  (cache key)
    with presence.opened(place).connect() as connection:
        return progress.shown_cases(connection, name)


@st.cache_resource(show_spinner=False, max_entries=8)
def _case(place: Place, case_id: str, input_digest: str) -> Case:
    with presence.opened(place).connect() as connection:
        return store.get_case(connection, case_id, input_digest=input_digest)


@st.cache_resource(show_spinner=False, max_entries=256, ttl=3600)
def _thumbnail(place: Place, case_id: str) -> str:
    with presence.opened(place).connect() as connection:
        return kit.thumbnail(store.get_case(connection, case_id), THUMBNAIL)


@st.cache_resource(show_spinner=False, ttl=3600)
def _verified(place: Place) -> Verified:
    with presence.opened(place).connect() as connection:
        return Verified(verify.verify(connection), datetime.now().astimezone())


@st.cache_resource(show_spinner=False, max_entries=8)
def _pixels(frame: str, _array: Array) -> bytes:  # noqa: ARG001  (the key of the cache)
    return transport.message(_array)
