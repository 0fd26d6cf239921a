"""How far the reading of a case has got: one fold over its events, used by every rule.

A reading is of one subject: the latest assessment of the case, or its import where no model has
looked at it. A new subject asks every reader for a new reading, so the fold starts again there;
what was decided on an earlier subject stays in the ledger and in `history`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from clinical.access.roles import Role, may
from clinical.case.assessment import Action, AuditEvent, Confidence
from clinical.errors import LedgerError
from clinical.review.protocol import Protocol
from clinical.workspace.layout import EVENTS


@dataclass(frozen=True)
class Subject:
    """What readers are asked to read.

    Attributes:
        sequence: number of the event that brought it.
        digest: of the assessment, or "" where the case is read without a model.
        input: digest of the inputs of the case.
        to_decide: suggestions that need a decision of each reader.
        beside: digests of what other models made of the same inputs; readers see it, too.
    """

    sequence: int
    digest: str
    input: str
    to_decide: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """Of every assessment that a reader may decide on, the one to begin with first."""
        return (self.digest, *self.beside)


@dataclass(frozen=True)
class RecordedDecision:
    """A decision as the ledger holds it.

    Attributes:
        sequence: number of its event.
        recorded: time of its event, ISO 8601, UTC.
        case_id, assessment_digest, diagnosis, action, reason, reader, time, replacement: as in
            `ReviewDecision`.
        comment_digest: names the comment in the store, or "".
        confidence: as in `ReviewDecision`.
        event_hash: of its event; signatures are over these.
        view: what was on the screen, as `clinical.review.viewed` records it, or None.
    """

    sequence: int
    recorded: str
    case_id: str
    assessment_digest: str
    diagnosis: str
    action: Action
    reason: str
    reader: str
    time: datetime
    replacement: str
    comment_digest: str
    confidence: Confidence | None = None
    event_hash: str = ""
    view: Any = None


@dataclass(frozen=True)
class Ranked:
    """One diagnosis of a differential and how sure the reader was of it."""

    diagnosis: str
    confidence: Confidence


@dataclass(frozen=True)
class RecordedSignature:
    """A signature as the ledger holds it.

    Attributes:
        sequence, recorded: number and time (ISO 8601, UTC) of its event.
        name, role: who signed, in which role.
        meaning: a key of `clinical.review.MEANINGS`.
        decisions: numbers of the decisions that were signed.
        digest: of the hashes of their events.
    """

    sequence: int
    recorded: str
    name: str
    role: str
    meaning: str
    decisions: tuple[int, ...]
    digest: str


@dataclass(frozen=True)
class Adjudicated:
    """What an adjudicator decided where two signed readings differ.

    Attributes:
        sequence, recorded, adjudicator: number, time and actor of its event.
        signatures: numbers of the signatures that were compared.
        present: the diagnoses that hold.
        comment_digest: names the comment in the store, or "".
    """

    sequence: int
    recorded: str
    adjudicator: str
    signatures: tuple[int, ...]
    present: tuple[str, ...]
    comment_digest: str


@dataclass(frozen=True)
class Reader:
    """How far one reader has come with the subject.

    Attributes:
        name: account name.
        opened: when they first opened it (ISO 8601, UTC), or "".
        shown: when they were first shown what the model made of it, or "".
        first_read: their differential before that, or None; empty means "no diagnosis".
        past: their decisions that were not undone, oldest first.
        signature: the one that stands, or None.
        amended: times at which they reopened a signed reading.
    """

    name: str
    opened: str = ""
    shown: str = ""
    first_read: tuple[Ranked, ...] | None = None
    past: tuple[RecordedDecision, ...] = ()
    signature: RecordedSignature | None = None
    amended: tuple[str, ...] = ()

    @property
    def standing(self) -> dict[str, RecordedDecision]:
        """Diagnosis to the decision that stands: the latest on it that was not undone."""
        return {decision.diagnosis: decision for decision in self.past}


@dataclass(frozen=True)
class Progress:
    """Where the reading of one case stands.

    Attributes:
        subject: what is read, or None for a case that has nothing to read yet.
        readers: account name to how far each reader has come.
        adjudicated: the last word on readings that differed, or None.
    """

    subject: Subject | None = None
    readers: Mapping[str, Reader] = field(default_factory=dict)
    adjudicated: Adjudicated | None = None

    def of(self, name: str) -> Reader:
        """How far one reader has come."""
        return self.readers.get(name, Reader(name))

    @property
    def signed(self) -> list[Reader]:
        """Readers whose signature stands, in the order they signed."""
        found = [(r.signature.sequence, r) for r in self.readers.values() if r.signature]
        return [reader for _, reader in sorted(found, key=lambda pair: pair[0])]


def progress(events: Iterable[AuditEvent]) -> Progress:
    """Fold all events of one case, in order.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    now = Progress()
    for event in events:
        now = advanced(now, event)
    return now


def advanced(now: Progress, event: AuditEvent) -> Progress:
    """One step of the fold; kinds that say nothing about a reading change nothing.

    Raises:
        LedgerError: if the event does not hold what its kind has.
    """
    try:
        return _advanced(now, event)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LedgerError(
            f"Event {event.sequence} does not hold what its kind {event.kind} has.",
            remedy="run `triptych audit verify`.",
        ) from None


def recorded_decision(event: AuditEvent) -> RecordedDecision:
    """The decision that a DECIDED event holds.

    Raises:
        LedgerError: if it was tampered with so that it is no decision any more.
    """
    payload = event.payload
    try:
        return RecordedDecision(
            event.sequence,
            event.time,
            event.case_id,
            payload["assessment"],
            payload["diagnosis"],
            payload["action"],
            payload["reason"],
            event.actor,
            datetime.fromisoformat(payload["decided"]),
            payload["replacement"],
            payload["comment"],
            payload.get("confidence"),
            event.hash,
            payload.get("view"),
        )
    except (KeyError, TypeError, ValueError):
        raise LedgerError(
            f"Event {event.sequence} does not hold what a decision has.",
            remedy="run `triptych audit verify`.",
        ) from None


def ranked(event: AuditEvent) -> tuple[Ranked, ...]:
    """The differential that a FIRST_READ event holds, most likely first."""
    listed = event.payload["differential"]
    return tuple(Ranked(str(item["diagnosis"]), item["confidence"]) for item in listed)


def withheld(now: Progress, name: str, role: Role, protocol: Protocol, case_id: str) -> bool:
    """Whether the model's output is to be kept from this reader until their own first read.

    Not once they have seen it, not for who may not decide, and not once the case has all the
    signatures it needs.
    """
    return (
        protocol.first_read
        and may(role, "decide")
        and now.subject is not None
        and bool(now.subject.digest)
        and not now.of(name).shown
        and len(now.signed) < protocol.readers(case_id)
    )


def hides_others(now: Progress, name: str, protocol: Protocol, case_id: str) -> bool:
    """Whether other readers' decisions are to be kept from this reader.

    Where two have to sign, each reads alone until they have signed, or two others have.
    """
    needed = protocol.readers(case_id)
    return needed > 1 and now.of(name).signature is None and len(now.signed) < needed


def shown_cases(connection: Connection, name: str) -> set[str]:
    """Cases whose latest assessment this reader was shown, whether they decided or not."""
    later = EVENTS.alias()
    subject = select(func.max(later.c.sequence)).where(
        later.c.case_id == EVENTS.c.case_id, later.c.kind.in_(("ASSESSED", "IMPORTED"))
    )
    # The payload is canonical JSON, so this text stands nowhere else; the two databases have no
    # JSON function in common.
    withheld = EVENTS.c.payload.contains('"withheld":true')
    open_eyed = (EVENTS.c.kind == "OPENED") & ~withheld
    query = select(EVENTS.c.case_id).where(
        EVENTS.c.actor == name,
        (EVENTS.c.kind == "SHOWN") | open_eyed,
        EVENTS.c.sequence > subject.scalar_subquery(),
    )
    return set(connection.execute(query.distinct()).scalars())


_NOTES = frozenset({"NOTED", "NOTE_WITHDRAWN", "MARKED", "CARD_SENT", "CARD_ANSWERED"})
_PRIVATE = _NOTES | {"FIRST_READ", "SHOWN", "DECIDED", "UNDONE", "SIGNED", "TIMED", "AMENDED"}


def visible(
    events: Iterable[AuditEvent], name: str, role: Role, protocol: Protocol, case_id: str
) -> tuple[AuditEvent, ...]:
    """The events of a case without what other readers did, where that is to be kept from `name`.

    Before their own first read that is any note or mark, and what a record system was told of the
    case: it may say what the model's output is.
    """
    past = tuple(events)
    if not may(role, "decide"):
        return past
    now = progress(past)
    hidden = _NOTES if withheld(now, name, role, protocol, case_id) else frozenset[str]()
    if hides_others(now, name, protocol, case_id):
        hidden = _PRIVATE
    return tuple(e for e in past if e.actor == name or e.kind not in hidden)


def _advanced(now: Progress, event: AuditEvent) -> Progress:
    payload = event.payload
    if event.kind == "ASSESSED":
        return Progress(_assessed(now.subject, event, payload))
    if event.kind == "IMPORTED":
        return Progress(Subject(event.sequence, "", str(payload.get("input", ""))))
    if event.kind == "PURGED":
        return Progress()
    if now.subject is None:
        return now
    if event.kind == "ADJUDICATED":
        return replace(now, adjudicated=_adjudicated(event, payload))
    before = now.of(event.actor)
    after = _reader(before, event, payload)
    if after is before:
        return now
    return replace(now, readers={**now.readers, event.actor: after})


def _assessed(before: Subject | None, event: AuditEvent, payload: Mapping[str, Any]) -> Subject:
    """The subject that an assessment brings, with what other models said just before it."""
    listed = [str(name) for name in payload.get("to_decide", ())]
    beside = tuple(str(digest) for digest in payload.get("beside", ()))
    asked = before is not None and beside[-1:] == (before.digest,)
    return Subject(
        event.sequence,
        str(payload.get("assessment", "")),
        str(payload.get("input", "")),
        tuple(dict.fromkeys([*listed, *(before.to_decide if before and asked else ())])),
        beside,
    )


def _reader(reader: Reader, event: AuditEvent, payload: Mapping[str, Any]) -> Reader:
    match event.kind:
        case "OPENED":
            seen = "" if payload.get("withheld") else event.time
            return replace(reader, opened=reader.opened or event.time, shown=reader.shown or seen)
        case "FIRST_READ":
            return replace(reader, first_read=ranked(event))
        case "SHOWN":
            return replace(reader, shown=reader.shown or event.time)
        case "DECIDED":
            return replace(reader, past=(*reader.past, recorded_decision(event)))
        case "UNDONE":
            back = payload["takes_back"]
            return replace(reader, past=tuple(d for d in reader.past if d.sequence != back))
        case "SIGNED":
            return replace(reader, signature=_signature(event, payload))
        case "AMENDED":
            return replace(reader, signature=None, amended=(*reader.amended, event.time))
    return reader


def _signature(event: AuditEvent, payload: Mapping[str, Any]) -> RecordedSignature:
    return RecordedSignature(
        event.sequence,
        event.time,
        str(payload["name"]),
        str(payload["role"]),
        str(payload["meaning"]),
        tuple(int(number) for number in payload["decisions"]),
        str(payload["digest"]),
    )


def _adjudicated(event: AuditEvent, payload: Mapping[str, Any]) -> Adjudicated:
    return Adjudicated(
        event.sequence,
        event.time,
        event.actor,
        tuple(int(number) for number in payload["signatures"]),
        tuple(str(name) for name in payload["present"]),
        str(payload["comment"]),
    )
