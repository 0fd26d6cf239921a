"""An archive is away for an hour: what waits for it is delivered in order, once, and soon after.

The clock is the test's own; `test_sending` has the same with a real archive, for a moment.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.delivery import Delivered, NotNow, Outcome
from clinical.dicom import sender
from clinical.dicom.sender import Archive
from clinical.exchange import mllp_sender, sending
from clinical.exchange.mllp_sender import Listener
from clinical.exchange.outbox import FIRST_WAIT, LONGEST_WAIT, Outbox, open_outbox
from clinical.exchange.sending import Destination

NOON = datetime(2030, 3, 1, 12, 0, tzinfo=UTC)
AWAY = timedelta(hours=1)
EVERY = timedelta(minutes=4)
"""How often a reading is signed meanwhile."""

PACS = Destination("pacs", "dicom", Archive("pacs", 104, "PACS"))
RIS = Destination("ris", "hl7", Listener("ris", 2575))


@dataclass
class Department:
    """Two receivers, of which the archive is away from noon for an hour, and a clock."""

    outbox: Outbox
    now: datetime = NOON
    stored: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    tried: list[datetime] = field(default_factory=list)

    def store(self, _: Archive, data: bytes) -> Outcome:
        self.tried.append(self.now)
        if self.now < NOON + AWAY:
            return NotNow("the archive cannot be reached")
        self.stored.append(data)
        return Delivered()

    def send(self, _: Listener, data: bytes) -> Outcome:
        self.heard.append(data)
        return Delivered()

    def signed(self, number: int) -> list[bytes]:
        """Put what one reading is sent as; in order."""
        files = {name: f"{name} {number}".encode() for name in ("report", "map", "picture")}
        self.outbox.put("pacs", f"case-{number}", f"r{number}", files)
        self.outbox.put("ris", f"case-{number}", f"r{number}", {"message": f"m{number}".encode()})
        return list(files.values())


@pytest.fixture
def department(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Department]:
    with open_outbox(tmp_path / "outbox", now=lambda: made.now) as outbox:
        made = Department(outbox)
        monkeypatch.setattr(sender, "store", made.store)
        monkeypatch.setattr(mllp_sender, "send", made.send)
        yield made


def test_an_outage_of_an_hour(workspace: Engine, department: Department) -> None:
    """Rounds run whenever something is signed or due, as a process that looks again and again."""
    put: list[bytes] = []
    signing = [NOON + EVERY * number for number in range(int(AWAY / EVERY))]
    for number in itertools.count():
        first = department.outbox.next_for("pacs")
        due = [first.next_at] if first else []
        if not due and not signing:
            break
        assert number < 1000
        department.now = max(department.now, min((*due, *signing)))
        if signing and signing[0] <= department.now:
            signing.pop(0)
            put += department.signed(len(put))
        before = department.now
        sending.deliver(workspace, department.outbox, (PACS, RIS))
        waiting = department.outbox.next_for("pacs")
        assert waiting is None or waiting.next_at <= before + LONGEST_WAIT
        assert department.outbox.listed("set aside") == ()
    assert department.stored == put
    assert len(department.heard) == len(put) // 3  # the other receiver did not wait
    assert department.now <= NOON + AWAY + LONGEST_WAIT
    told(workspace, put)


def told(workspace: Engine, put: list[bytes]) -> None:
    """Each delivery is recorded once, in the order in which it was put."""
    with workspace.connect() as connection:
        assert verify(connection).intact
        events = list(ledger.events(connection, kind="SENT"))
    delivered = [str(e.payload["file"]) for e in events if e.payload["to"] == "pacs"]
    assert delivered == [hashlib.sha256(data).hexdigest() for data in put]
    assert Counter(str(e.payload["outcome"]) for e in events) == {"delivered": len(events)}


def test_an_archive_that_is_away_is_not_pestered(workspace: Engine, department: Department) -> None:
    department.signed(1)
    while department.now < NOON + AWAY:
        sending.deliver(workspace, department.outbox, (PACS,))
        department.now += timedelta(seconds=2)  # as `triptych send --watch` looks
    waits = [after - before for before, after in itertools.pairwise(department.tried)]
    look = timedelta(seconds=2)
    assert len(department.tried) < 15
    assert FIRST_WAIT <= waits[0] < FIRST_WAIT + look
    assert all(LONGEST_WAIT <= wait < LONGEST_WAIT + look for wait in waits[7:])
    assert all(2 * one - look <= two for one, two in itertools.pairwise(waits[:7]))
