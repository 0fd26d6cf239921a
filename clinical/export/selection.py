"""Which part of the record an export contains: selected cases, each in full."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from clinical.audit import ledger
from clinical.case.assessment import AuditEvent
from clinical.errors import StoreError
from clinical.workspace import store

ALWAYS = frozenset({"KEY_ROTATED", "PROTOCOL"})
"""Kinds of event that every export shows: without them nothing else can be checked or judged."""


@dataclass(frozen=True)
class Selection:
    """Which cases are wanted; what is left out is not asked for, and all that is asked must hold.

    Attributes:
        case_ids: these cases.
        reader: cases that this account had an event on.
        study: cases that a model of this name assessed.
        since, until: cases that had an event from this moment on, and before that one.
    """

    case_ids: frozenset[str] | None = None
    reader: str = ""
    study: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()

    def shows(self, event: AuditEvent, chosen: Collection[str]) -> bool:
        """Whether the content of an event is shown, and not only its hash."""
        if self.everything or event.kind in ALWAYS:
            return True
        if event.case_id:
            return event.case_id in chosen
        if self.case_ids is not None or self.study or not (self.reader or self.since or self.until):
            return False
        return self.fits(event)

    def as_json(self) -> dict[str, Any]:
        """The form in the manifest."""
        return {
            "cases": None if self.case_ids is None else sorted(self.case_ids),
            "reader": self.reader,
            "study": self.study,
            "since": _written(self.since),
            "until": _written(self.until),
        }

    def words(self) -> str:
        """The selection in a sentence for people."""
        if self.everything:
            return "all cases"
        parts = ["cases"]
        if self.case_ids is not None:
            parts = [f"{len(self.case_ids)} chosen cases"]
        if self.reader:
            parts.append(f"that {self.reader} worked on")
        if self.study:
            parts.append(f"that the model {self.study} assessed")
        if self.since:
            parts.append(f"with an event from {_written(self.since)[:10]} on")
        if self.until:
            parts.append(f"with an event before {_written(self.until)[:10]}")
        return ", ".join(parts)

    def kinds(self) -> str:
        """By what was chosen, without any name or date, for an export without them."""
        asked = {
            "case": self.case_ids is not None,
            "reader": bool(self.reader),
            "study": bool(self.study),
            "time": bool(self.since or self.until),
        }
        named = [name for name, is_asked in asked.items() if is_asked]
        return f"cases chosen by {', '.join(named)}" if named else "all cases"

    def fits(self, event: AuditEvent) -> bool:
        """Whether reader and time are those asked for."""
        return (
            (not self.reader or event.actor == self.reader)
            and (self.since is None or event.time >= _written(self.since))
            and (self.until is None or event.time < _written(self.until))
        )


def chosen(connection: Connection, selection: Selection) -> list[str]:
    """The cases that a selection means, by case_id.

    Raises:
        StoreError: if a case that is named is not in the workspace.
        LedgerError: at an event that cannot be read.
    """
    found = set(ledger.case_ids(connection)) | set(store.case_ids(connection))
    if selection.case_ids is not None:
        unknown = sorted(selection.case_ids - found)
        if unknown:
            more = f" (and {len(unknown) - 1} more of those asked for)" if unknown[1:] else ""
            raise StoreError(
                f"The workspace holds no assessed case {unknown[0]}{more}.",
                remedy="look up the case_id in the worklist.",
            )
        found = set(selection.case_ids)
    if selection.reader or selection.since or selection.until:
        events = ledger.events(connection)
        found &= {event.case_id for event in events if selection.fits(event)}
    if selection.study:
        found &= {
            event.case_id
            for event in ledger.events(connection, kind="ASSESSED")
            if event.payload["model"]["name"] == selection.study
        }
    return sorted(found)


def _written(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds") if moment else ""
