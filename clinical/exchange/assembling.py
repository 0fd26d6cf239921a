"""From the chart to the worklist: what is due is put together, imported and assessed.

One process works on one inbox. Everything it does can be done again: the chart names a case always
the same, and the record of a case says what it was drafted from, so that a process that is killed
anywhere, and started again, leaves what one leaves that was not.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import ModelError, ReviewError, StoreError, TriptychError
from clinical.exchange import assembled_case, assembly, purging
from clinical.exchange.assembly import Draft, LeftOut, Plan
from clinical.exchange.chart import RECEIVED, Chart, Step
from clinical.exchange.desk import Desk
from clinical.exchange.facts import Told
from clinical.exchange.inbox import Inbox
from clinical.exchange.kept_assessor import KeptAssessor
from clinical.exchange.known import told_as_json
from clinical.exchange.taking_in import take_in
from clinical.review import intake
from clinical.review.progress import progress
from clinical.workspace import own_file, store
from clinical.workspace.database import writing

log = logging.getLogger(__name__)

ACTOR = "receive"
TURN_SECONDS = 2.0
"""How long arrivals are taken in before what is due is put together; views of one study come close
together, and nobody waits longer for a case."""
REST_SECONDS = 1.0
"""After a turn that the disk refused."""
PURGE_AGAIN_SECONDS = 60.0
"""After which a purge that could not be ended is tried again."""
AGAIN = timedelta(minutes=10)
"""When to look again at a patient whose case could not be put together."""
LOCK_NAME = "assembly.lock"


def work(desk: Desk) -> list[str]:
    """Take in what waits, for a turn, and put together what is due.

    Returns:
        The cases that were made or have a new version, to be assessed.

    Raises:
        StoreError: if the disk refuses; nothing is lost.
    """
    end = time.monotonic() + TURN_SECONDS
    for arrival in desk.inbox.waiting():
        take_in(arrival, desk.inbox, desk.chart, desk.rules, desk.habits)
        if time.monotonic() > end:
            break
    return [name for number in desk.chart.due(desk.now()) for name in _look_at(desk, number)]


def _look_at(desk: Desk, number: str) -> list[str]:
    """Decide about the studies of one patient; the cases that are new, or new versions."""
    now = desk.now()
    steps: list[Step] = []
    fresh: list[str] = []
    try:
        plans = assembly.plans(desk.chart.known(number), desk.rules, now)
        for plan in plans:
            step, is_new = _carry_out(desk, plan, now)
            steps.append(step)
            fresh += [step.case_id] if is_new else []
        again = min((plan.again for plan in plans if plan.again), default=None)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  (one patient must not keep the others waiting)
        log.error("a case could not be put together: %s", type(error).__name__)
        again = now + AGAIN
    desk.chart.settle(number, steps, again)
    return fresh


def _carry_out(desk: Desk, plan: Plan, now: datetime) -> tuple[Step, bool]:
    """What was decided about one study, and whether a case has to be assessed for it."""
    case_id = desk.chart.case_name(plan.outcome.key)
    match plan.outcome:
        case Draft() as draft:
            return _import(desk, draft, case_id, now)
        case LeftOut(why=why):
            with desk.engine.connect() as connection:
                exists = intake.knows(connection, case_id)
            return Step(now, case_id, "noted" if exists else "left out", why), False
        case waiting:
            return Step(now, case_id, "waits", waiting.why), False


def _import(desk: Desk, draft: Draft, case_id: str, now: datetime) -> tuple[Step, bool]:
    """Make a case, or a version of it, unless it says the same already or may not change."""
    with desk.engine.connect() as connection:
        past = list(ledger.events(connection, case_id=case_id))
        current = store.record_of(connection, case_id)
        patient = store.patient_of(connection, case_id)
    drafted = _digest(desk.chart, draft)
    imports = [event for event in past if event.kind == "IMPORTED"]
    if imports and _assembled(imports[-1]).get("draft") == drafted:
        return _told(imports[-1]), False
    if past and (why := _settled(past, current)):
        return Step(now, case_id, "noted", f"{why}; what came later is left out"), False
    # A patient whose numbers were merged meanwhile keeps the one that the case was made under.
    draft = replace(draft, patient=patient or draft.patient)
    found = assembled_case.build(draft, case_id, desk.chart, desk.rules)
    if found.case is None:
        return Step(now, case_id, "left out", found.why), False
    assembled = assembled_case.provenance(draft, found.case, desk.rules) | {"draft": drafted}
    try:
        with writing(desk.engine) as connection:
            _check_unchanged(connection, case_id, past, current)
            event = intake.record_added(
                connection, found.case, ACTOR, corrects=current, assembled=assembled
            )
    except ReviewError as error:
        # Somebody was faster, or nothing changes that a reader sees.
        return Step(now, case_id, "noted", error.message), False
    return _told(event), True


def _check_unchanged(
    connection: Connection, case_id: str, past: list[AuditEvent], current: str | None
) -> None:
    """Demand that nobody settled the case while it was read; reading takes a second.

    Raises:
        ReviewError: if somebody did.
    """
    since = list(ledger.events(connection, case_id=case_id))
    why = _settled(since, current) if len(since) > len(past) else ""
    if why:
        raise ReviewError(f"{why}; what came later is left out")


def _told(event: AuditEvent) -> Step:
    """The step that an event records; of one that a killed process appended it is told later."""
    what = "made" if event.payload["added"] == "received" else "versioned"
    words = assembled_case.words(_assembled(event))
    return Step(datetime.fromisoformat(event.time), event.case_id, what, words, event.hash)


def _assembled(event: AuditEvent) -> dict[str, object]:
    found = event.payload.get("assembled")
    return dict(found) if isinstance(found, dict) else {}


def _settled(past: list[AuditEvent], current: str | None) -> str:
    """Why a case that is there may not change any more, or ""."""
    if current is None:
        return "the case was removed"
    if next((e.actor for e in reversed(past) if e.kind == "IMPORTED"), "") != ACTOR:
        return "somebody has corrected the case"
    now = progress(past)
    return "the case is signed" if now.signed or now.adjudicated else ""


def _digest(chart: Chart, draft: Draft) -> str:
    """Names what a case was drafted from, to know it again; nobody else can tell it from that."""
    facts = Told(None, (*draft.measurements, *draft.history, *draft.notes))
    said = {
        "decision": draft.decision.isoformat(),
        "films": sorted(film.digest for film in draft.films),
        "priors": [film.digest for film in draft.priors],
        # A case without one is known again by what it said before there were any.
        **({"recordings": [f.digest for f in draft.recordings]} if draft.recordings else {}),
        "facts": told_as_json(facts)["facts"],
        "sex": draft.sex,
        "born": draft.birth_date.isoformat() if draft.birth_date else "",
    }
    return chart.sealed(canonical.dumps(json.loads(json.dumps(said))))


def unassessed(engine: Engine) -> list[str]:
    """The cases that were put together and that no model has assessed as they are now."""
    with engine.connect() as connection:
        names = ledger.cases_like(connection, RECEIVED)
        rows = store.worklist(connection, only=names)
    return [row.case_id for row in rows if not row.assessment_digest]


def assess(engine: Engine, assessor: KeptAssessor, case_id: str) -> None:
    """Have one case assessed; one that cannot be is read without suggestions."""
    try:
        with engine.connect() as connection:
            versions = store.versions(connection, case_id)
        assessor.assess(case_id, versions)
    except (ModelError, StoreError) as error:
        log.error("%s", error.message)


def run(
    desk: Desk, assessor: KeptAssessor | None, stop: threading.Event, poll: float = 0.2
) -> None:
    """Work until `stop` is set; assessments are made beside it, one after another.

    Args:
        desk: where.
        assessor: None where no model is installed: cases are read without suggestions.
        stop: ends it after the turn it is in.
        poll: seconds between two looks at an inbox that was empty.

    Raises:
        StoreError: if another process works on this inbox.
    """
    with alone(desk.inbox):
        names: queue.SimpleQueue[str] = queue.SimpleQueue()
        for name in unassessed(desk.engine):
            names.put(name)
        beside = threading.Thread(
            target=_assess_all, args=(desk.engine, assessor, names), name="assessing"
        )
        if assessor is not None:
            beside.start()
        forgotten: date | None = None
        next_purge = time.monotonic()
        try:
            while not stop.is_set():
                if desk.now().date() != forgotten:
                    forgotten = desk.now().date()
                    _forget(desk)
                if time.monotonic() >= next_purge and not ended(desk):
                    next_purge = time.monotonic() + PURGE_AGAIN_SECONDS
                for name in _turn(desk):
                    names.put(name)
                if not desk.inbox.waiting():
                    stop.wait(poll)
        finally:
            if assessor is not None:
                names.put("")
                assessor.close()
                beside.join()


def _forget(desk: Desk) -> None:
    """Remove what the rules keep no longer; once a day."""
    if desk.rules.keep_days:
        gone = desk.chart.forget(desk.now() - timedelta(days=desk.rules.keep_days))
        log.info("%d messages and films are kept no longer", gone)


def ended(desk: Desk) -> bool:
    """Carry out the purges that were asked for; False where that has to be tried again."""
    if not desk.chart.purges():
        return True
    try:
        purging.carry_out(desk)
    except TriptychError as error:  # whoever reads the file will have done so in a while
        log.error("%s", error.message)
        return False
    return True


def _turn(desk: Desk) -> list[str]:
    try:
        return work(desk)
    except TriptychError as error:  # a full disk: nothing is lost, and there may be room later
        log.error("%s", error.message)
        time.sleep(REST_SECONDS)
        return []


def _assess_all(
    engine: Engine, assessor: KeptAssessor | None, names: queue.SimpleQueue[str]
) -> None:
    if assessor is None:
        return
    try:
        assessor.warm()  # before the first film, which then does not wait for it
    except ModelError as error:
        log.error("%s", error.message)
    while name := names.get():
        assess(engine, assessor, name)


class Taken(StoreError):
    """Another process works on the inbox."""


@contextmanager
def alone(inbox: Inbox) -> Iterator[None]:
    """Be the only process that works on an inbox, for the length of the block.

    Raises:
        Taken: if another one is.
    """
    place = inbox.root / LOCK_NAME
    lock = os.open(place, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, own_file.MODE)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Taken(
                f"Another process works on the inbox {inbox.root}.",
                remedy="stop that one first, or use it.",
            ) from None
        yield
    finally:
        os.close(lock)
