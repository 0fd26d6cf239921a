"""The case a reader has open: what they may see of it, and everything they may do with it.

What is done is done from the callback of a button, with the `OpenCase` that was on the screen when
the button was drawn: that, and nothing that came since, is what the reader acts on.

Every write of the case page goes through here to `clinical.review`, which checks it again. What is
withheld from the reader is not in `OpenCase`, so that no page can show it by mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import streamlit as st
from sqlalchemy import Connection

from clinical.access.roles import may
from clinical.audit import ledger
from clinical.case.assessment import Action, Assessment, AuditEvent, Confidence, ReviewDecision
from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.review import adjudication, decisions, intake, marking, marks, viewed
from clinical.review import first_read as first_read_rules
from clinical.review import progress as progress_rules
from clinical.review import protocol as protocol_rules
from clinical.review import signature as signature_rules
from clinical.review import undo as undo_rules
from clinical.review.adjudication import Adjudication
from clinical.review.first_read import FirstRead
from clinical.review.progress import Progress, Ranked, Reader
from clinical.review.protocol import Protocol
from clinical.review.signature import Amendment, Signature
from clinical.review.times import noticed, resumed
from clinical.review.viewed import Viewed
from clinical.workspace import store
from clinical.workspace.database import writing
from ui.access import identity, presence
from ui.state import confirming, state
from ui.state import visits as visits_known
from ui.state.films import films
from ui.state.state import Reading
from ui.state.visits import Owner, Visit
from ui.viewer import component

DESK = "triptych_desk"
ON_SCREEN = "triptych_on_screen"
VIEW = {"page": "triptych_look", "form": "triptych_look_in_form"}


@dataclass(frozen=True, eq=False)
class OpenCase:
    """One case on the screen, as far as this reader may see it.

    Attributes:
        case: with its pixels.
        progress: where the reading stands, from `events`.
        events: the events of the case that this reader may see.
        protocol: the one in force.
        machine: what the model that is shown made of it; None while it is withheld, and where no
            model has looked at the case.
        asked: digest to assessment of every model that was asked, the one that readers begin with
            first; empty as `machine` is None.
        withheld: the model's output waits for this reader's first read.
        hidden: other readers' decisions wait for this reader's signature.
        diagnoses: the model's list by name, in an order that says nothing about the case.
    """

    case: Case
    progress: Progress
    events: tuple[AuditEvent, ...]
    protocol: Protocol
    machine: Reading | None
    withheld: bool
    hidden: bool
    diagnoses: tuple[str, ...]
    asked: Mapping[str, Assessment] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of the assessment that readers begin with, or "" for a case that is read without one."""
        return self.progress.subject.digest if self.progress.subject else ""

    @property
    def mine(self) -> Reader:
        """How far this reader has come."""
        return self.progress.of(state.reader())


@dataclass
class _Desk:
    visits: dict[int, Visit] = field(default_factory=dict)  # by the number of the subject's event


def opened(case_id: str) -> OpenCase | None:
    """The case as this reader may see it; records OPENED where it comes on the screen again.

    Returns:
        None if the workspace has nothing to read of it.

    Raises:
        StoreError: if the store does not hold what the ledger names.
    """
    shown = _look(case_id)
    if shown is None or shown.progress.subject is None:
        return None
    subject = shown.progress.subject.sequence
    visits = _desk().visits
    # Again too where the protocol stopped withholding what this session opened blinded.
    unseen = not shown.withheld and not shown.mine.shown
    if subject not in visits or unseen:
        event = intake.record_opened(state.engine(), case_id, state.reader(), role=state.role())
        visits.setdefault(subject, visits_known.begin(owner(case_id), event.sequence))
        shown = _look(case_id)
    return shown


def attend(shown: OpenCase) -> None:
    """Note that the reader did something while this case is on the screen."""
    subject = shown.progress.subject
    if subject is not None:
        before = st.session_state.get(ON_SCREEN)
        visit = _desk().visits[subject.sequence]
        visit.sees(noticed if before == subject.sequence else resumed)
        st.session_state[ON_SCREEN] = subject.sequence


def leave() -> None:
    """Note that no case is on the screen; time until one comes back does not count."""
    st.session_state.pop(ON_SCREEN, None)
    state.unsettle()


def visit(shown: OpenCase) -> Visit | None:
    """This session's visit to the case, or None where it has not opened it."""
    subject = shown.progress.subject
    return _desk().visits.get(subject.sequence) if subject else None


def news(shown: OpenCase) -> list[AuditEvent]:
    """What other readers did with this case since this session opened it, as far as visible."""
    now = visit(shown)
    since = now.opened_at if now else 0
    kinds = ("DECIDED", "UNDONE", "SIGNED", "AMENDED", "ADJUDICATED", "NOTED")
    return [
        e
        for e in shown.events
        if e.sequence > since and e.actor != state.reader() and e.kind in kinds
    ]


def draft(
    shown: OpenCase,
    diagnosis: str,
    action: Action,
    reason: str = "",
    replacement: str = "",
    comment: str = "",
    confidence: Confidence | None = None,
) -> ReviewDecision:
    """A decision by this reader, now, on the assessment that is shown."""
    return ReviewDecision(
        shown.case.case_id,
        shown.machine.digest if shown.machine else shown.digest,
        diagnosis,
        action,
        reason,
        state.reader(),
        _now(),
        replacement,
        comment,
        confidence,
    )


def decide(shown: OpenCase, decision: ReviewDecision) -> None:
    """Record a decision and its event, in one transaction; one that says nothing new is not one.

    Raises:
        ReviewError: if the rules of review do not allow it.
        AccessRefused: if the role does not.
    """
    presence.require("decide")
    with state.engine().connect() as connection:
        now = tuple(ledger.events(connection, case_id=decision.case_id))
    if not decisions.repeats(decision, now):
        decisions.decide(state.engine(), decision, view=_view(shown), marked=_marked(shown))
    else:
        with writing(state.engine()) as transaction:
            marking.record(transaction, decision.case_id, decision.reader, _marked(shown))
    state.cancel()


def undo(shown: OpenCase, sequence: int | None = None) -> None:
    """Take back a decision of this reader, the latest if none is named.

    Raises:
        ReviewError: if there is none, or it is signed.
    """
    presence.require("decide")
    undo_rules.undo(state.engine(), shown.case.case_id, state.reader(), sequence)
    state.cancel()


def first_read(shown: OpenCase, differential: tuple[Ranked, ...]) -> FirstRead:
    """This reader's differential, now."""
    return FirstRead(shown.case.case_id, shown.digest, differential, state.reader(), _now())


def commit(shown: OpenCase, read: FirstRead) -> None:
    """Record a first read; the model's output is shown at the next run.

    Raises:
        ReviewError: if it is late, or no ranked list of diagnoses.
    """
    presence.require("decide")
    first_read_rules.commit_first_read(
        state.engine(), read, view=_view(shown), marked=_marked(shown)
    )


def signature(shown: OpenCase) -> Signature:
    """This reader's signature under their decisions as they stand now."""
    return Signature(
        shown.case.case_id,
        shown.digest,
        state.reader(),
        state.role(),
        signature_rules.decisions_digest(shown.mine),
        _now(),
    )


def sign(shown: OpenCase, password: str = "") -> None:
    """Record this reader's signature under what `shown` shows, and the times of the reading.

    Args:
        shown: the case as it was on the screen when they signed.
        password: of the account, once more, where it has one.

    Raises:
        ReviewError: if something is left to decide, or the decisions changed meanwhile.
        AccountError: if the password is not right.
    """
    presence.require("decide")
    attend(shown)
    now, wish = visit(shown), signature(shown)
    signature_rules.sign(
        state.engine(),
        wish,
        attention=now.attention if now else None,
        identify=partial(identity.confirm, password) if identity.asked() else None,
        view=_view(shown),
        marked=_marked(shown),
        confirmed=confirming.answered(presence.holder(), wish),
    )
    confirming.forget(presence.holder(), wish)
    state.cancel()


def amend(shown: OpenCase, reason: str, comment: str) -> None:
    """Reopen a signed reading of this reader.

    Raises:
        ReviewError: if there is none, or no reason.
    """
    presence.require("decide")
    signature_rules.amend(
        state.engine(), Amendment(shown.case.case_id, state.reader(), reason, comment)
    )
    state.cancel()


def adjudicate(
    shown: OpenCase, signatures: tuple[int, ...], present: frozenset[str], comment: str
) -> None:
    """Record the last word on the readings with these signatures.

    Raises:
        ReviewError: if it is not due, not theirs to speak, or on other signatures.
    """
    presence.require("adjudicate")
    adjudication.adjudicate(
        state.engine(),
        Adjudication(
            shown.case.case_id,
            state.reader(),
            state.role(),
            signatures,
            present,
            _now(),
            comment,
        ),
    )


def watch(shown: OpenCase, place: Literal["page", "form"] = "page") -> None:
    """Hear with each click that may decide something what the viewer shows.

    In no fragment: Streamlit would run that alone, for the click too.
    """
    component.report(
        _visit_number(shown), place, _images(shown), key=VIEW[place], on_view_change=_heard
    )


def _view(shown: OpenCase) -> Viewed | None:
    """What the browser said of this visit with the click."""
    known = set().union(*map(_names, shown.asked.values()))
    return viewed.read(_told(shown), _images(shown), known)


def _marked(shown: OpenCase) -> marking.Told | None:
    """What it said that is marked."""
    return marks.read((_told(shown) or {}).get("marks"), _images(shown))


def _told(shown: OpenCase) -> Mapping[str, Any] | None:
    every = [st.session_state.get(key, {}).get("view") for key in VIEW.values()]
    told = [one for one in every if one and one.get("visit") == _visit_number(shown)]
    return max(told, key=lambda one: one.get("at", 0), default=None)


def _images(shown: OpenCase) -> dict[str, Array]:
    return {name: film.array for name, film in films(shown.case).items()}


def _visit_number(shown: OpenCase) -> int:
    now = visit(shown)
    return now.opened_at if now else 0


def _heard() -> None:
    """What was told stays in the session until something is decided."""


def _look(case_id: str) -> OpenCase | None:
    name, role = state.reader(), state.role()
    with state.engine().connect() as connection:  # one read transaction: all of one moment
        every = tuple(ledger.events(connection, case_id=case_id))
        protocol = protocol_rules.in_force(connection)
        now = progress_rules.progress(every)
        if now.subject is None:
            return None
        events = progress_rules.visible(every, name, role, protocol, case_id)
        withheld = progress_rules.withheld(now, name, role, protocol, case_id)
        asked = _asked(connection, now)
    machine = _machine(case_id, now, events, asked)
    return OpenCase(
        state.case(case_id, now.subject.input),
        progress_rules.progress(events),
        events,
        protocol,
        None if withheld else machine,
        withheld,
        may(role, "decide") and progress_rules.hides_others(now, name, protocol, case_id),
        tuple(sorted(_names(machine.assessment))) if machine else (),
        {} if withheld else asked,
    )


def _names(assessment: Assessment) -> set[str]:
    return {suggestion.diagnosis for suggestion in assessment.suggestions}


def _asked(connection: Connection, now: Progress) -> dict[str, Assessment]:
    digests = now.subject.digests if now.subject and now.subject.digest else ()
    return {digest: store.get_assessment(connection, digest) for digest in digests}


def _machine(
    case_id: str,
    now: Progress,
    events: tuple[AuditEvent, ...],
    asked: Mapping[str, Assessment],
) -> Reading | None:
    if now.subject is None or not asked:
        return None
    chosen = state.chosen_model()
    digest = chosen if chosen in asked else now.subject.digest
    return Reading(state.case(case_id, now.subject.input), digest, asked[digest], events)


def owner(case_id: str) -> Owner:
    """Whose reading of the case it is on this page."""
    return Owner(str(state.workspace()), state.reader(), case_id)


def _desk() -> _Desk:
    made: _Desk = st.session_state.setdefault(DESK, _Desk())
    return made


def _now() -> datetime:
    return datetime.now(UTC)
