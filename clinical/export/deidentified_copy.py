"""The chosen cases, de-identified, as a temporary workspace that the files are written from.

So every format says the same and needs no second way of being written. The copy has a chain of its
own; what connects it with the ledger is the receipt alone. Cases come in random order and their
events one case after another, so that neither the place of an event among those of other cases nor
its number tells when it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from clinical import canonical
from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.case.case import Case
from clinical.errors import StoreError
from clinical.export import deidentified
from clinical.export.deidentified import Pseudonyms
from clinical.modalities.dates import BEGIN
from clinical.modalities.kit import read_by
from clinical.workspace import scratch, store
from clinical.workspace.database import open_workspace, writing

AT_ONCE = 50  # cases in one transaction


@dataclass
class LeftOut:
    """How much of the chosen cases is not in the copy.

    Attributes:
        images, notes: inputs of the assessments and imports.
        comments: that events name.
        records: cases and assessments that the store does not hold as they were recorded.
        events: that are about no case (sign-ins, accounts, exports, keys).
    """

    images: int = 0
    notes: int = 0
    comments: int = 0
    records: int = 0
    events: int = 0


@dataclass(frozen=True)
class Copy:
    """The copy, while it is there.

    Attributes:
        connection: reads it.
        chosen: its cases.
        left_out: what is not in it.
    """

    connection: Connection
    chosen: list[str]
    left_out: LeftOut


@dataclass(frozen=True)
class _Work:
    source: Connection
    names: Pseudonyms
    left_out: LeftOut = field(default_factory=LeftOut)


@contextmanager
def copied(source: Connection, chosen: Sequence[str]) -> Iterator[Copy]:
    """A de-identified copy of the chosen cases, gone afterwards.

    Args:
        source: reads the workspace.
        chosen: which cases.

    Raises:
        LedgerError: at an event that was corrupted so that it cannot be read.
    """
    work = _Work(source, Pseudonyms())
    shuffled = secrets.SystemRandom().sample(list(chosen), len(chosen))
    with scratch.folder() as folder:
        engine = open_workspace(folder, create=True)
        try:
            _protocol(engine, work)
            for start in range(0, len(shuffled), AT_ONCE):
                with writing(engine) as target:
                    for case_id in shuffled[start : start + AT_ONCE]:
                        _case(target, work, case_id)
            with engine.connect() as connection:
                names = [work.names.name("case", case_id) for case_id in shuffled]
                yield Copy(connection, names, work.left_out)
        finally:
            engine.dispose()


def _protocol(engine: Engine, work: _Work) -> None:
    """How the cases are read: the rules in force, without which no status can be told."""
    for event in ledger.events(work.source, case_id=""):
        if event.kind != "PROTOCOL":
            work.left_out.events += 1
            continue
        payload = deidentified.details(event, work.names, {}, (), event.time)
        actor = work.names.actor(event.actor)
        with writing(engine) as target:
            ledger.transcribe(target, "PROTOCOL", actor=actor, payload=payload, time=BEGIN)


def _case(target: Connection, work: _Work, case_id: str) -> None:
    past = list(ledger.events(work.source, case_id=case_id))
    name = work.names.name("case", case_id)
    numbers: dict[int, int] = {}
    hashes: dict[int, str] = {}
    known: set[str] = set()
    for event in past:
        payload = _brought(target, work, event, known)
        payload |= deidentified.details(event, work.names, numbers, known, past[0].time)
        if event.kind == "SIGNED":
            payload["digest"] = canonical.digest([hashes[n] for n in payload["decisions"]])
        work.left_out.comments += bool(event.payload.get("comment"))
        made = ledger.transcribe(
            target,
            event.kind,
            actor=work.names.actor(event.actor),
            case_id=name,
            payload=payload,
            time=deidentified.moment(event.time, past[0].time),
        )
        numbers[event.sequence] = made.sequence
        hashes[made.sequence] = made.hash


def _brought(target: Connection, work: _Work, event: AuditEvent, known: set[str]) -> dict[str, Any]:
    """Put what an ASSESSED or IMPORTED event names into the copy; what its payload says of it."""
    if event.kind not in ("ASSESSED", "IMPORTED"):
        return {}
    digest, inputs = str(event.payload.get("assessment", "")), str(event.payload.get("input"))
    try:
        found = store.get_case(work.source, event.case_id, with_pixels=False, input_digest=inputs)
        made = deidentified.case(found, work.names)
        new = store.put_case(target, made)
        work.names.now(inputs, new)
        _count(work, found, event)
        if not digest:
            return {}
        assessment = store.get_assessment(work.source, digest)
    except StoreError:  # purged or corrupted: the events say so, or the verdict does
        work.left_out.records += 1
        return {}
    known |= {suggestion.diagnosis for suggestion in assessment.suggestions}
    shown = deidentified.assessment(assessment, made, new)
    work.names.now(digest, store.put_assessment(target, shown))
    methods = sorted({explanation.method for explanation in shown.explanations})
    return {"explanation": {"methods": methods}}


def _count(work: _Work, found: Case, event: AuditEvent) -> None:
    """Count what of the inputs is left out; images are not read, so the event has to tell."""
    told = event.payload.get("used") or event.payload.get("inputs") or ()
    work.left_out.images += len(set(told) - set(found.inputs))
    work.left_out.notes += sum(bool(kit.written(value)) for kit, _, value in read_by(found))
