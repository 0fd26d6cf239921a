"""Notes from one reader to the next: who leaves and withdraws them, and who sees them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from printed_file import needs_poppler, text_of

from clinical.access.roles import Role
from clinical.audit import ledger, retention, verify
from clinical.errors import ReviewError, StoreError
from clinical.export.bundle import export
from clinical.export.case_pdf import make_case_pdf
from clinical.review import note, progress
from clinical.review.comment import MAX_COMMENT
from clinical.review.first_read import commit_first_read
from clinical.review.protocol import Protocol
from clinical.workspace import comments
from clinical.workspace.database import writing

both_databases = pytest.mark.both_databases

DEAF = "The patient is deaf: write things down."


def leave(ward: Any, author: str = "dr.ada", text: str = DEAF, role: Role = "reader") -> int:
    event = note.leave(ward.engine, "case-1", text, author=author, role=role, time=ward.now())
    assert event.kind == "NOTED"
    return int(event.sequence)


def withdraw(ward: Any, sequence: int, author: str = "dr.ada") -> None:
    note.withdraw(ward.engine, "case-1", sequence, author=author, time=ward.now())


def texts(ward: Any) -> list[str]:
    with ward.engine.connect() as connection:
        return [comments.get(connection, n.text_digest) for n in note.standing(ward.past())]


@both_databases
def test_a_note_stands_until_its_author_withdraws_it_and_stays_in_the_record(ward: Any) -> None:
    before = ward.status()
    first, second = leave(ward), leave(ward, "dr.bo", "  Prior film is at the other site.\n")
    assert texts(ward) == [DEAF, "Prior film is at the other site."]
    with pytest.raises(ReviewError, match="no such note"):
        withdraw(ward, second)
    withdraw(ward, first)

    assert texts(ward) == ["Prior film is at the other site."]
    kept, _ = note.notes(ward.past())
    assert (kept.author, kept.sequence, bool(kept.withdrawn)) == ("dr.ada", first, True)
    assert ward.status() == before, "a note is no decision"
    with pytest.raises(ReviewError, match="already"):
        withdraw(ward, first)


@pytest.mark.parametrize(
    ("text", "role", "rule"),
    [
        ("  \n", "reader", "is empty"),
        ("x" * (MAX_COMMENT + 1), "reader", "more than 2000"),
        ("\ud800", "reader", "not valid Unicode"),
        (DEAF, "auditor", "leaves no notes"),
    ],
)
def test_what_may_be_left(ward: Any, text: str, role: Role, rule: str) -> None:
    with pytest.raises(ReviewError, match=rule):
        leave(ward, text=text, role=role)
    assert "NOTED" not in ward.kinds()


def test_the_ledger_holds_the_digest_of_a_note_and_not_its_text(ward: Any) -> None:
    leave(ward)
    event = ward.past()[-1]
    assert set(event.payload) == {"comment"}
    assert DEAF not in str(event.payload)


@pytest.mark.parametrize(
    ("protocol", "done", "sees"),
    [
        (Protocol(), "", True),
        (Protocol(first_read=True), "", False),
        (Protocol(first_read=True), "first read", True),
        (Protocol(second_share=1.0), "", False),
        (Protocol(second_share=1.0), "signed", True),
    ],
)
def test_who_reads_blind_sees_no_note_by_anybody_else(
    ward: Any, protocol: Protocol, done: str, sees: bool
) -> None:
    ward.protocol(first_read=protocol.first_read, second_share=protocol.second_share)
    leave(ward, "dr.ada")
    ward.open("dr.bo")
    leave(ward, "dr.bo", "Mine.")
    if done == "first read":
        commit_first_read(ward.engine, ward.first_read("dr.bo"))
    if done == "signed":
        ward.accept("dr.bo")
        ward.sign("dr.bo")

    past = ward.past()
    seen = note.notes(progress.visible(past, "dr.bo", "reader", protocol, "case-1"))
    assert [found.author for found in seen] == (["dr.ada", "dr.bo"] if sees else ["dr.bo"])
    auditor = progress.visible(past, "eve", "auditor", protocol, "case-1")
    assert len(note.notes(auditor)) == 2


@both_databases
def test_how_many_notes_stand_is_counted_for_all_cases_and_for_some(ward: Any) -> None:
    number = leave(ward)
    leave(ward)
    withdraw(ward, number)
    with ward.engine.connect() as connection:
        assert note.counts(connection) == {"case-1": 1}
        assert note.counts(connection, only={"case-1", "case-9"}) == {"case-1": 1}


@both_databases
def test_a_note_that_somebody_else_withdrew_is_found(ward: Any) -> None:
    number = leave(ward)
    with writing(ward.engine) as connection:
        payload = {"takes_back": number}
        forged = ledger.append(
            connection, "NOTE_WITHDRAWN", actor="dr.bo", case_id="case-1", payload=payload
        )
    with ward.engine.connect() as connection:
        verdict = verify.verify(connection)
    assert verdict.first_broken == forged.sequence


def test_the_text_goes_with_the_case(ward: Any) -> None:
    leave(ward)
    digest = note.notes(ward.past())[0].text_digest
    retention.purge(ward.engine, ["case-1"], because="erasure", actor="boss")
    with ward.engine.connect() as connection:
        with pytest.raises(StoreError, match="holds no comment"):
            comments.get(connection, digest)
        assert verify.verify(connection).intact
        assert note.counts(connection) == {}


@needs_poppler
def test_notes_are_in_the_export_and_the_pdf_but_not_where_nobody_is_named(
    ward: Any, tmp_path: Path
) -> None:
    withdraw(ward, leave(ward, text="Withdrawn words."))
    leave(ward)
    words = text_of(make_case_pdf(ward.engine, "case-1", actor="eve", role="auditor").data)
    assert DEAF in words
    assert "Withdrawn words." in words

    for kept, held in ((False, 2), (True, 0)):
        out = tmp_path / f"{kept}.zip"
        export(ward.engine, out, actor="eve", de_identified=kept)
        with zipfile.ZipFile(out) as archive:
            lines = archive.read("comments.jsonl").decode()
            events = archive.read("events.jsonl").decode()
        assert lines.count("Withdrawn words.") + lines.count(DEAF) == held
        assert "NOTE_WITHDRAWN" in events
