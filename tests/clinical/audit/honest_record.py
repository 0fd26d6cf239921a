"""A record with something of everything, as honest work leaves it, to be forged by others."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forger import Ledger
from software_passkey import SoftwarePasskey
from sqlalchemy import Engine

from clinical.access import accounts, passkeys
from clinical.audit import heads, ledger, passkey, retention, rotation, verifier, witness
from clinical.audit.passkey import Confirmation
from clinical.case.case import record_digest
from clinical.case.shapes import Text, Texts
from clinical.export.case_pdf import WHAT
from clinical.review import (
    adjudication,
    assignment,
    decisions,
    intake,
    marking,
    marks,
    note,
    progress,
    signature,
    undo,
)
from clinical.review import protocol as protocols
from clinical.review.adjudication import Adjudication
from clinical.review.first_read import FirstRead, commit_first_read
from clinical.review.progress import Ranked
from clinical.review.protocol import Protocol
from clinical.review.signature import Amendment, Signature
from clinical.workspace.database import DATABASE_NAME, folder_of, open_workspace, writing

PASSWORD = "four quiet herons"
MARKS = [
    {"kind": "length", "frame": 1, "points": [[2, 3], [20, 30]], "text": "", "window": None},
    {"kind": "arrow", "frame": 1, "points": [[5, 5], [9, 9]], "text": "nodule", "window": None},
    {
        "kind": "key", "frame": 1, "points": [], "text": "",
        "window": {"function": "LINEAR", "centre": 1700.0, "width": 3500.0, "inverted": False},
    },
]  # fmt: skip


@dataclass(frozen=True)
class Kept(Ledger):
    """An honest record, and what others hold of it: its key's digest, a head, a witness."""

    key: str = ""
    witness: Path = Path()


class Room:
    """Readers at work, one act after the other."""

    def __init__(self, engine: Engine, example: Any) -> None:
        self.engine = engine
        self.example = example

    def past(self, case: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(ledger.events(connection, case_id=case))

    def case(self, name: str, note: str = "Cough and fever. No trauma.") -> str:
        digest, _ = self.example.recorded(self.engine, self.example.case(name, note))
        return str(digest)

    def read(
        self, case: str, digest: str, reader: str, *, accepts: bool, comment: str = ""
    ) -> None:
        """Open, commit a first read, decide and sign."""
        now = datetime.now(UTC)
        intake.record_opened(self.engine, case, reader)
        ranked = (Ranked("bacterial_pneumonia", "medium"),)
        commit_first_read(self.engine, FirstRead(case, digest, ranked, reader, now))
        self.decide(case, digest, reader, accepts=accepts, comment=comment)
        self.sign(case, digest, reader)

    def decide(
        self, case: str, digest: str, reader: str, *, accepts: bool, comment: str = ""
    ) -> None:
        change = {"action": "accept"} if accepts else {"action": "reject", "reason": "lab_explains"}
        wish = self.example.decision(
            digest, case_id=case, reader=reader, time=datetime.now(UTC), comment=comment, **change
        )
        decisions.decide(self.engine, wish)

    def wish(self, case: str, digest: str, reader: str) -> Signature:
        mine = progress.progress(self.past(case)).of(reader)
        decisions_digest = signature.decisions_digest(mine)
        return Signature(case, digest, reader, "reader", decisions_digest, datetime.now(UTC))

    def sign(self, case: str, digest: str, reader: str) -> None:
        signature.sign(self.engine, self.wish(case, digest, reader))


def of_late(engine: Engine, example: Any) -> None:
    """Notes, a case that was entered and corrected, many events at once, a printed case."""
    said = {"author": "dr.ada", "role": "reader"}
    note.leave(engine, "case-2", "Ask for the lateral.", **said)  # type: ignore[arg-type]
    second = note.leave(engine, "case-2", "See the film of May.", **said)  # type: ignore[arg-type]
    note.withdraw(engine, "case-2", second.sequence, author="dr.ada")
    entered = example.case("case-6")
    with writing(engine) as connection:
        intake.record_added(connection, entered, "dr.ada")
        corrected = replace(entered, site="B")
        intake.record_added(connection, corrected, "dr.ada", corrects=record_digest(entered))
    looks = [
        ledger.Entry("OPENED", reader, {"assessment": ""}, "case-5")
        for reader in ["dr.bob", "dr.ada"] * verifier.EVERY_EVENTS
    ]
    with writing(engine) as connection:
        ledger.append_all(connection, looks)
        end = ledger.head(connection)
        printed = {"what": WHAT, "cases": 1, "pdf": "ab" * 32, "head": end._asdict()}
        ledger.append(connection, "EXPORTED", actor="dr.ada", case_id="case-2", payload=printed)


def confirmed_reading(room: Room) -> None:
    """A reading with marks on its film, signed with a passkey, exported and sent to two places."""
    engine, case, nonce, held = room.engine, "case-7", "ab" * 16, SoftwarePasskey()
    registered = held.answer(passkey.encoded(b"registered"))
    asked = passkey.encoded(b"registered")
    passkeys.register(engine, "dr.ada", held.public_key, registered, asked)
    protocols.set_protocol(engine, Protocol(True, 1.0, passkey=True), "dr.chief")
    digest = room.case(case)
    image = room.example.case(case).inputs["image"].arrays[0]
    told = marks.read({"image": MARKS}, {"image": image})
    intake.record_opened(engine, case, "dr.ada")
    ranked = (Ranked("bacterial_pneumonia", "low"),)
    commit_first_read(engine, FirstRead(case, digest, ranked, "dr.ada", datetime.now(UTC)))
    room.decide(case, digest, "dr.ada", accepts=True)
    with writing(engine) as connection:
        marking.record(connection, case, "dr.ada", told)
    wish = room.wish(case, digest, "dr.ada")
    answer = held.answer(signature.passkey_challenge(wish, nonce))
    signature.sign(engine, wish, confirmed=Confirmation(nonce, answer))
    with writing(engine) as connection:
        left = {"what": "case_fhir", "cases": 1, "reading": "ab" * 32, "files": ["cd" * 32]}
        end = ledger.head(connection)._asdict()
        ledger.append(
            connection, "EXPORTED", actor="dr.ada", case_id=case, payload={**left, "head": end}
        )
        sent = {"name": "report.json", "file": "cd" * 32, "reading": "ab" * 32, "tries": 1}
        for more in (
            {"to": "archive", "outcome": "delivered"},
            {"to": "clinic", "outcome": "refused", "reason": "422"},
        ):
            payload = {**sent, **more}
            ledger.append(connection, "SENT", actor="system", case_id=case, payload=payload)


def honest_record(folder: Path, example: Any) -> Kept:
    """Accounts, readings with everything that can happen to them, a purge, a change of key."""
    room = Room(open_workspace(folder / "workspace", create=True), example)
    engine, testimony = room.engine, folder / "witness.jsonl"
    accounts.add(engine, "boss", "administrator", PASSWORD)
    for name in ("dr.ada", "dr.bob", "dr.gone"):
        accounts.add(engine, name, "reader", PASSWORD, actor="boss")
    accounts.add(engine, "dr.chief", "adjudicator", PASSWORD, actor="boss")
    accounts.disable(engine, "dr.gone", actor="boss")
    accounts.set_password(engine, "dr.bob", "five loud herons", actor="boss")
    protocols.set_protocol(engine, Protocol(first_read=True, second_share=1.0), "dr.chief")
    with engine.connect() as connection:
        place, lines = folder_of(connection), heads.lines(connection)
    witness.appoint(place, testimony, lines)

    one = room.case("case-1")
    room.read("case-1", one, "dr.ada", accepts=True, comment="Typical.")
    signature.amend(engine, Amendment("case-1", "dr.ada", "mistake"))
    room.sign("case-1", one, "dr.ada")
    room.case("case-4")
    retention.purge(engine, ["case-4"], because="erasure", actor="boss")
    with engine.connect() as connection:
        older_size = ledger.head(connection).sequence
    engine.dispose()
    shutil.copy(place / DATABASE_NAME, folder / "older.sqlite")

    rotation.rotate(engine, actor="boss")
    room.read("case-1", one, "dr.bob", accepts=False)
    now = progress.progress(room.past("case-1"))
    present, at = frozenset({"bacterial_pneumonia"}), datetime.now(UTC)
    signatures = adjudication.signatures(now)
    last_word = Adjudication("case-1", "dr.chief", "adjudicator", signatures, present, at)
    adjudication.adjudicate(engine, last_word)
    with writing(engine) as connection:
        kept = heads.sign_now(connection)

    two = room.case("case-2")
    intake.record_opened(engine, "case-2", "dr.ada")
    ranked = (Ranked("bacterial_pneumonia", "low"),)
    commit_first_read(engine, FirstRead("case-2", two, ranked, "dr.ada", datetime.now(UTC)))
    room.decide("case-2", two, "dr.ada", accepts=False)
    undo.undo(engine, "case-2", "dr.ada")
    room.decide("case-2", two, "dr.ada", accepts=True, comment="After all.")
    room.sign("case-2", two, "dr.ada")
    room.case("case-3")
    room.case("case-3", "Cough, and no fever.")
    plain = example.case("case-5")
    notes = {**plain.inputs, "notes": Texts((Text("Plan", "Home."),))}
    with writing(engine) as connection:
        intake.record_import(connection, replace(plain, inputs=notes), "system")
    assignment.assign(engine, ["case-5"], "dr.bob", actor="dr.chief", role="adjudicator")
    of_late(engine, example)
    confirmed_reading(room)
    with writing(engine) as connection:
        last = heads.sign_now(connection)
    intake.record_opened(engine, "case-3", "dr.bob")  # after the last head, and in its minute
    intake.record_opened(engine, "case-5", "dr.bob")
    with engine.connect() as connection:
        size = ledger.head(connection).sequence
    key = heads.keys.key_digest(last.public_key)
    engine.dispose()
    return Kept(place, folder / "older.sqlite", older_size, size, kept, key, testimony)
