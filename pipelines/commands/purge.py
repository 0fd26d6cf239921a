"""`triptych audit purge`: choose the cases, remove them, and report what was removed.

What was received goes with them where the settings of the receiver are given: see
`clinical.exchange.purging`, which the receiver ends if it runs, or if this process is killed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from sqlalchemy import Engine

from clinical.audit import ledger, retention
from clinical.errors import ConfigError, StoreError
from clinical.exchange import assembling, inbox_files, mllp, purging, receiving, sending
from clinical.exchange.assembly_rules import load
from clinical.exchange.chart import RECEIVED, Purge, open_chart
from clinical.exchange.desk import Desk
from clinical.exchange.hl7_told import USUAL
from clinical.exchange.inbox import open_inbox
from clinical.exchange.outbox import open_outbox
from clinical.workspace import store
from pipelines.jobs.progress import bar

WAIT_SECONDS = 120.0
"""How long to wait for a receiver that runs to remove what it has."""
LOOK_SECONDS = 0.2
COUNTED = ("cases", "objects", "messages", "films", "files", "parcels")
"""What a CLEARED event counts."""


@dataclass(frozen=True)
class Wanted:
    """What to purge, and why.

    Attributes:
        cases: by name.
        patient: as its cases carry it, or "".
        because: a key of `retention.BECAUSE`.
        actor: who purges.
    """

    cases: tuple[str, ...]
    patient: str
    because: str
    actor: str


def chosen(
    engine: Engine, cases: Sequence[str], older_than: int | None, patient: str
) -> tuple[str, ...]:
    """The cases to purge: those named, of the patient, or without an event for so many days.

    Raises:
        ConfigError: if more than one of them or none is given.
    """
    if bool(cases) + bool(patient) + (older_than is not None) != 1:
        raise ConfigError(
            "Purge needs either --case, --patient or --older-than.", remedy="give one of the three."
        )
    with engine.connect() as connection:
        if patient:
            return tuple(retention.of_patients(connection, [patient]))
        if older_than is None:
            return tuple(dict.fromkeys(cases))
        limit = datetime.now(UTC) - timedelta(days=older_than)
        return tuple(retention.older_than(connection, limit))


@contextmanager
def received(file: Path, engine: Engine) -> Iterator[Desk]:
    """The inbox and the chart of a receiver.

    Raises:
        ConfigError: if the settings cannot be used.
        StoreError: if there is no inbox, or it cannot be opened.
    """
    settings = receiving.read(file)
    if not (settings.inbox / inbox_files.DATABASE_NAME).is_file():
        raise StoreError(
            f"There is no inbox in {settings.inbox}.", remedy="leave out --receive, or correct it."
        )
    habits = mllp.habits(settings.hl7) if settings.hl7 else USUAL
    watched = Path(settings.folder.path) if settings.folder else None
    with open_inbox(settings.inbox, keep_free=0) as inbox, open_chart(inbox.root) as chart:
        yield Desk(inbox, chart, engine, load(file), habits, watched=watched)


def count(engine: Engine, cases: Sequence[str]) -> str:
    """What a purge of these cases would remove, in words."""
    with engine.connect() as connection:
        found = [held for case in cases if (held := retention.held(connection, case))]
    kinds = ("assessments", "pixels", "comments")
    numbers = {kind: sum(len(getattr(held, kind)) for held in found) for kind in kinds}
    return (
        f"{len(found)} cases, {numbers['assessments']} assessments,"
        f" {numbers['pixels']} images used by no other case, {numbers['comments']} comments"
    )


def count_received(desk: Desk, wanted: Wanted) -> str:
    """What of an inbox and its chart would go, in words; what waits there is not looked at."""
    found = [purging.found(desk, purge) for purge in _purges(desk.engine, wanted)]
    objects = sum(len(copies.objects) for copies in found)
    messages = sum(len(copies.messages) for copies in found)
    films = sum(len(copies.films) for copies in found)
    return f"{objects} received objects, {messages} messages and {films} films in the chart"


def purge(
    engine: Engine,
    wanted: Wanted,
    screen: Console,
    desk: Desk | None = None,
    send: Path | None = None,
) -> None:
    """Purge, with a progress bar, and say by which events.

    Args:
        engine: the workspace.
        wanted: what to purge.
        screen: for what is said.
        desk: of the receiver, or None.
        send: settings of the sender, or None.

    Raises:
        ConfigError: if the settings of the sender cannot be used.
        LedgerError, StoreError: as `retention.purge` and `purging.carry_out`.
    """
    retention.check_reason(wanted.because)
    with engine.connect() as connection:
        before = ledger.head(connection).sequence
    told = count(engine, wanted.cases)
    if desk is not None:
        for asked in _purges(engine, wanted):
            desk.chart.ask_purge(asked)
    with bar() as display:
        task = display.add_task("purge", total=len(wanted.cases), note="")
        retention.purge(
            engine,
            wanted.cases,
            because=wanted.because,
            actor=wanted.actor,
            progress=lambda: display.advance(task),
        )
    if desk is not None:
        _end(desk, screen)
    if send is not None:
        _clear_outbox(engine, send)
    screen.print(f"removed {told}")
    _say(engine, before, screen)
    screen.print("earlier exports, backups and indices still hold what was removed")


def _clear_outbox(engine: Engine, file: Path) -> None:
    with open_outbox(sending.read(file).outbox) as outbox:
        sending.clear(engine, outbox)
        outbox.scrub()


def _purges(engine: Engine, wanted: Wanted) -> list[Purge]:
    """What to ask of the chart; a case that was not received is none of its affair."""
    if wanted.patient:
        return [Purge(0, "", wanted.patient, wanted.because, wanted.actor)]
    with engine.connect() as connection:
        return [
            Purge(0, case, store.patient_of(connection, case) or "", wanted.because, wanted.actor)
            for case in wanted.cases
            if case.startswith(RECEIVED) and ledger.first_of(connection, case)
        ]


def _end(desk: Desk, screen: Console) -> None:
    """Carry out what was asked for; a receiver that runs does it itself, between two arrivals."""
    try:
        with assembling.alone(desk.inbox):
            purging.carry_out(desk)
            return
    except assembling.Taken:
        screen.print("the receiver removes what it has")
    deadline = time.monotonic() + WAIT_SECONDS
    while desk.chart.purges():
        if time.monotonic() > deadline:
            raise StoreError(
                "The receiver has not removed what it has yet; it goes on trying.",
                remedy="run the same command again later to see whether it has.",
            )
        time.sleep(LOOK_SECONDS)


def _say(engine: Engine, before: int, screen: Console) -> None:
    with engine.connect() as connection:
        purged = [
            event.sequence for event in ledger.events(connection, kind="PURGED", after=before)
        ]
        cleared = list(ledger.events(connection, kind="CLEARED", after=before))
    if purged:
        screen.print(f"recorded as events {purged[0]} to {purged[-1]}")
    for event in cleared:
        counts = [f"{event.payload[name]} {name}" for name in COUNTED if name in event.payload]
        screen.print(f"event {event.sequence}: {', '.join(counts)} outside the store")
