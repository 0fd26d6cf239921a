"""Readers at work on the one small case of the tests of the record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical.access.roles import Role
from clinical.audit import ledger
from clinical.case.assessment import Assessment, AuditEvent
from clinical.review import adjudication, decisions, intake, progress, protocol, signature, status
from clinical.review.adjudication import Adjudication
from clinical.review.first_read import FirstRead
from clinical.review.progress import Progress, Ranked
from clinical.review.protocol import Protocol
from clinical.review.signature import Amendment, Signature

CASE = "case-1"


@dataclass
class Ward:
    """A workspace with one case and the acts of its readers, each a minute after the last."""

    engine: Engine
    example: Any
    digest: str
    assessment: Assessment
    minute: int = field(default=10)

    def now(self) -> datetime:
        self.minute += 1
        return self.example.noon + timedelta(minutes=self.minute)

    def past(self) -> list[AuditEvent]:
        with self.engine.connect() as connection:
            return list(ledger.events(connection, case_id=CASE))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.past()]

    def progress(self) -> Progress:
        return progress.progress(self.past())

    def status(self) -> str:
        with self.engine.connect() as connection:
            return status.statuses(connection)[CASE]

    def protocol(self, **changes: Any) -> None:
        protocol.set_protocol(self.engine, Protocol(**changes), "dr.chief")

    def open(self, *readers: str, role: Role = "reader") -> None:
        for name in readers:
            intake.record_opened(self.engine, CASE, name, role=role, time=self.now())

    def decide(self, reader: str, **changes: Any) -> AuditEvent:
        decision = self.example.decision(self.digest, reader=reader, time=self.now(), **changes)
        return decisions.decide(self.engine, decision)

    def accept(self, reader: str) -> AuditEvent:
        return self.decide(reader)

    def reject(self, reader: str, diagnosis: str = "bacterial_pneumonia") -> AuditEvent:
        return self.decide(reader, action="reject", reason="lab_explains", diagnosis=diagnosis)

    def add(self, reader: str, diagnosis: str) -> AuditEvent:
        return self.decide(reader, action="add", diagnosis=diagnosis)

    def first_read(self, reader: str, *names: str) -> FirstRead:
        ranked = tuple(Ranked(name, "medium") for name in names)
        return FirstRead(CASE, self.digest, ranked, reader, self.now())

    def signature(self, name: str, **changes: Any) -> Signature:
        digest = signature.decisions_digest(self.progress().of(name))
        plain = Signature(CASE, self.digest, name, "reader", digest, self.now())
        return replace(plain, **changes)

    def sign(self, *readers: str) -> None:
        for name in readers:
            signature.sign(self.engine, self.signature(name))

    def amendment(self, reader: str, reason: str = "mistake", comment: str = "") -> Amendment:
        return Amendment(CASE, reader, reason, comment)

    def adjudication(self, present: Iterable[str], **changes: Any) -> Adjudication:
        plain: dict[str, Any] = {
            "case_id": CASE,
            "adjudicator": "dr.chief",
            "role": "adjudicator",
            "signatures": adjudication.signatures(self.progress()),
            "present": frozenset(present),
            "time": self.now(),
        }
        return Adjudication(**{**plain, **changes})


@pytest.fixture
def ward(workspace: Engine, example: Any) -> Ward:
    """The case assessed, and opened by nobody but dr.ada."""
    digest, assessment = example.recorded(workspace)
    return Ward(workspace, example, digest, assessment)
