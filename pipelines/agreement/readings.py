"""The readings of a workspace, one pass over its events: who read what, with which model, when.

A passage is one thing that was read (an assessment, or an import without a model) with all that
its readers did, from the event that brought the case to the one that brought it again. A reading is
one reader's part of a passage that is signed. It belongs to the calendar month (UTC) of the
signature that stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from clinical.case.assessment import AuditEvent
from clinical.review.conclusion import concluded
from clinical.review.progress import Progress, Reader, RecordedDecision, advanced

NO_MODEL = "no model"


@dataclass(frozen=True)
class Window:
    """Which moments count; an empty end is open.

    Attributes:
        since, until: from this moment on, and before that one (ISO 8601, UTC, as in the ledger).
    """

    since: str = ""
    until: str = ""

    def holds(self, time: str) -> bool:
        """Whether a moment of the ledger counts."""
        return time >= self.since and (not self.until or time < self.until)


@dataclass(frozen=True)
class Passage:
    """One thing that was read.

    Attributes:
        case_id: the case.
        model: name and first letters of the digest of the model, or `NO_MODEL`.
        model_digest: whole, or "".
        time: of the event that brought it.
        used, missing: modality names that the model found, and those it knows and did not find.
        flagged: marked as out of distribution.
        progress: what its readers did, and the adjudication.
        seconds: reader to active seconds up to the first signature, None where nobody measured.
        purged: the case was removed from the store afterwards; nothing of it counts then.
    """

    case_id: str
    model: str
    model_digest: str
    time: str
    used: tuple[str, ...]
    missing: tuple[str, ...]
    flagged: bool
    progress: Progress
    seconds: Mapping[str, float | None] = field(default_factory=dict)
    purged: bool = False

    @cached_property
    def suggested(self) -> frozenset[str]:
        """Diagnoses at or above their threshold and not withheld."""
        return frozenset(self.progress.subject.to_decide if self.progress.subject else ())


@dataclass(frozen=True)
class Reading:
    """What one reader signed.

    Attributes:
        passage: of what.
        reader: how far they came.
        signed: time of the signature that stands.
    """

    passage: Passage
    reader: Reader
    signed: str

    @property
    def period(self) -> str:
        """Calendar month of the signature, for example "2026-03"."""
        return month(self.signed)

    @cached_property
    def concluded(self) -> frozenset[str]:
        """The diagnoses that the reader holds to be present."""
        return concluded(self.reader)

    @cached_property
    def on_suggested(self) -> list[RecordedDecision]:
        """The decisions on what the model suggested."""
        return [d for d in self.reader.standing.values() if d.diagnosis in self.passage.suggested]

    @cached_property
    def added(self) -> frozenset[str]:
        """Diagnoses that the reader holds and the model did not suggest.

        What stands in the place of a suggestion counts with that, as modified.
        """
        held = {d.diagnosis for d in self.reader.standing.values() if d.action in ("accept", "add")}
        return frozenset(held - self.passage.suggested)


@dataclass(frozen=True)
class Opened:
    """That a reader opened something."""

    model: str
    reader: str
    period: str


def month(time: str) -> str:
    """Calendar month of a time of the ledger."""
    return time[:7]


def passages(events: Iterable[AuditEvent]) -> list[Passage]:
    """Every passage, by case and in order.

    Raises:
        LedgerError: at an event that does not hold what its kind has.
    """
    found: defaultdict[str, list[Passage]] = defaultdict(list)
    for event in events:
        if event.kind in ("ASSESSED", "IMPORTED"):
            found[event.case_id].append(_begun(event))
        elif event.kind == "PURGED":
            known = found[event.case_id]
            found[event.case_id] = [replace(passage, purged=True) for passage in known]
        elif found.get(event.case_id) and not found[event.case_id][-1].purged:
            found[event.case_id][-1] = _after(found[event.case_id][-1], event)
    return [passage for _, listed in sorted(found.items()) for passage in listed]


def readings(found: Iterable[Passage], window: Window) -> list[Reading]:
    """Signed readings of all passages whose case is still there, in the order they were signed."""
    signed = [
        Reading(passage, reader, reader.signature.recorded)
        for passage in found
        if not passage.purged
        for reader in passage.progress.signed
        if reader.signature and window.holds(reader.signature.recorded)
    ]
    return sorted(signed, key=lambda one: one.signed)


def openings(found: Iterable[Passage], window: Window) -> list[Opened]:
    """First openings by every reader who may decide or not, of passages that are still there."""
    return [
        Opened(passage.model, reader.name, month(reader.opened))
        for passage in found
        if not passage.purged
        for reader in passage.progress.readers.values()
        if reader.opened and window.holds(reader.opened)
    ]


def assessed(found: Iterable[Passage], window: Window) -> list[Passage]:
    """Passages with a model that were assessed in the window and are still there."""
    return [
        passage
        for passage in found
        if passage.model_digest and not passage.purged and window.holds(passage.time)
    ]


def unsigned(found: Sequence[Passage], window: Window) -> int:
    """Decisions that stand in readings that nobody signed, made in the window."""
    return sum(
        window.holds(decision.recorded)
        for passage in found
        if not passage.purged
        for reader in passage.progress.readers.values()
        if reader.signature is None
        for decision in reader.standing.values()
    )


def _begun(event: AuditEvent) -> Passage:
    payload, model = event.payload, event.payload.get("model") or {}
    digest = str(model.get("digest", "")) if event.kind == "ASSESSED" else ""
    return Passage(
        event.case_id,
        f"{model.get('name', '')} {digest[:8]}" if digest else NO_MODEL,
        digest,
        event.time,
        tuple(payload.get("used", ())),
        tuple(payload.get("missing", ())),
        bool((payload.get("flags") or {}).get("out_of_distribution")),
        advanced(Progress(), event),
    )


def _after(passage: Passage, event: AuditEvent) -> Passage:
    if event.kind == "TIMED":
        if event.actor in passage.seconds:  # of an amendment, whose time holds the first one's
            return passage
        active = event.payload.get("active_seconds")
        known = float(active) if isinstance(active, int | float) else None
        return replace(passage, seconds={**passage.seconds, event.actor: known})
    now = advanced(passage.progress, event)
    return passage if now is passage.progress else replace(passage, progress=now)
