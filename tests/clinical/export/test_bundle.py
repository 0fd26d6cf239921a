"""An export: verified first, complete, recorded, and honest about a broken ledger."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from full_disk import room
from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.ledger import Head
from clinical.audit.verify import verify
from clinical.errors import StoreError
from clinical.export import bundle
from clinical.export.bundle import export
from clinical.export.selection import Selection
from clinical.review.decisions import decide
from clinical.review.intake import record_assessment
from clinical.workspace import comments
from clinical.workspace.database import open_workspace, writing

FILES = {
    "events.jsonl", "assessments.jsonl", "cases.jsonl", "comments.jsonl", "heads.json",
    "proofs.json", "report.pdf", "verify.py", "cases.csv", "suggestions.csv", "decisions.csv",
    "events.csv", "fhir/bundle.json",
}  # fmt: skip


def files(out: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.decode().splitlines()]


def tamper(workspace: Engine, *statements: str) -> None:
    assert workspace.url.database
    raw = sqlite3.connect(workspace.url.database)
    for trigger in ("events_no_update", "events_no_delete", "events_only_next"):
        raw.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()


@pytest.fixture
def filled(workspace: Engine, example: Any) -> Engine:
    for case_id in ("case-1", "case-2", "case-3"):
        digest, _ = example.recorded(workspace, example.case(case_id))
        decision = example.decision(digest, case_id=case_id, comment=f"About {case_id}.")
        decide(workspace, decision)
    return workspace


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "record.zip"


def test_everything_is_written_and_the_export_is_recorded(filled: Engine, out: Path) -> None:
    told: list[tuple[int, int]] = []
    result = export(filled, out, actor="auditor", progress=lambda *done: told.append(done))
    found = files(out)
    assert set(result.files) == FILES
    assert set(found) == FILES | {"manifest.json", "receipt.json"}
    assert list(out.parent.iterdir()) == [out]
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert {name: canonical.sha256(found[name]) for name in FILES} == result.files
    assert json.loads(found["manifest.json"])["files"] == result.files
    assert result.event is not None
    assert result.event.payload["manifest"] == canonical.sha256(found["manifest.json"])
    with filled.connect() as connection:
        assert [e.kind for e in ledger.events(connection)][-1] == "EXPORTED"
        assert verify(connection).intact
        named = json.loads(comments.get(connection, result.event.payload["selection"]))
    assert named["chosen"] == ["case-1", "case-2", "case-3"]


def test_an_auditor_can_check_the_files_with_json_and_sha256_alone(
    filled: Engine, out: Path
) -> None:
    export(filled, out, actor="auditor")
    found = files(out)
    previous = "0" * 64
    for event in lines(found["events.jsonl"]):
        claimed = event.pop("hash")
        assert event["previous"] == previous
        assert canonical.digest(event) == claimed
        previous = claimed
    manifest = json.loads(found["manifest.json"])
    assert manifest["head"] == {"sequence": 9, "hash": previous}
    events = lines(found["events.jsonl"])
    named = [e["payload"]["assessment"] for e in events if e["kind"] == "ASSESSED"]
    assert [canonical.sha256(x) for x in found["assessments.jsonl"].splitlines()] == named
    commented = [e["payload"]["comment"] for e in events if e["kind"] == "DECIDED"]
    assert [canonical.sha256(x) for x in found["comments.jsonl"].splitlines()] == commented


def test_the_same_record_at_the_same_time_gives_the_same_bytes(
    filled: Engine, example: Any, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        chosen = Selection(frozenset({"case-2"}))
        export(filled, tmp_path / name, actor="auditor", wanted=chosen, time=example.noon)
    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    # The ledger went on by the first export itself; what is about the case did not.
    for name in ("assessments.jsonl", "cases.jsonl", "comments.jsonl", "verify.py"):
        assert first[name] == second[name]
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2025, 3, 4, 12, 0, 0)}


def test_a_noted_head_verifies_a_later_ledger(filled: Engine, out: Path) -> None:
    verdict = export(filled, out, actor="auditor").verdict
    with filled.connect() as connection:
        assert verify(connection, known=Head(verdict.events, verdict.head)).intact


def test_chosen_cases_only_and_the_others_by_their_hashes(filled: Engine, out: Path) -> None:
    result = export(filled, out, actor="auditor", wanted=Selection(frozenset({"case-2"})))
    assert result.cases == 1
    for name, data in files(out).items():
        assert b"case-1" not in data, name
        assert b"case-3" not in data, name
    assert result.event is not None
    assert "case-2" not in str(result.event.payload)
    shown = [e.get("case_id") for e in lines(files(out)["events.jsonl"])]
    assert shown == [None] * 3 + ["case-2"] * 3 + [None] * 3


@pytest.mark.parametrize(
    ("wanted", "cases"),
    [
        (Selection(reader="dr.ada"), 3),
        (Selection(reader="dr.eve"), 0),
        (Selection(study="simulated-chest"), 3),
        (Selection(study="other"), 0),
        (Selection(frozenset({"case-1"}), reader="dr.ada"), 1),
    ],
)
def test_by_reader_and_study(filled: Engine, out: Path, wanted: Selection, cases: int) -> None:
    assert export(filled, out, actor="auditor", wanted=wanted).cases == cases


def test_by_time(filled: Engine, example: Any, out: Path) -> None:
    with filled.connect() as connection:  # only decisions bear the time of the computer's clock
        decided = [e.time for e in ledger.events(connection, kind="DECIDED")]
    from datetime import datetime

    since = datetime.fromisoformat(decided[1])
    assert export(filled, out, actor="auditor", wanted=Selection(since=since)).cases == 2
    until = example.noon
    assert export(filled, out, actor="auditor", wanted=Selection(until=until)).cases == 0


def test_an_unknown_case_is_refused_and_nothing_is_written(filled: Engine, out: Path) -> None:
    with pytest.raises(StoreError, match="no assessed case case-7") as caught:
        export(filled, out, actor="auditor", wanted=Selection(frozenset({"case-1", "case-7"})))
    assert caught.value.remedy
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("UPDATE events SET actor = 'm' WHERE sequence = 4", 4),
        ("UPDATE assessments SET record = replace(record, '0.83', '0.13')", 1),
        ("UPDATE comments SET text = 'Other words.'", 3),
        ("UPDATE events SET payload = '{}' WHERE sequence = 6", 6),
        ("DELETE FROM comments", 3),
    ],
)
def test_a_broken_record_is_exported_with_its_verdict(
    filled: Engine, out: Path, statement: str, first_broken: int
) -> None:
    tamper(filled, statement)
    result = export(filled, out, actor="auditor")
    manifest = json.loads(files(out)["manifest.json"])
    assert result.verdict.first_broken == manifest["verdict"]["first_broken"] == first_broken
    assert not manifest["verdict"]["intact"]
    assert result.event is not None
    assert result.event.payload["intact"] is False
    assert set(result.files) == FILES


def test_a_cut_ledger_is_exported_but_not_appended_to(filled: Engine, out: Path) -> None:
    tamper(filled, "DELETE FROM events WHERE sequence > 7")
    result = export(filled, out, actor="auditor")
    assert (result.verdict.intact, result.verdict.first_broken) == (False, 8)
    assert result.event is None
    assert "receipt.json" not in files(out)
    with filled.connect() as connection:
        assert ledger.head(connection).sequence == 9


def test_a_place_that_cannot_be_written_is_named(filled: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        export(filled, tmp_path / "file" / "record.zip", actor="auditor")


def test_an_earlier_assessment_stays_in_the_export(
    workspace: Engine, example: Any, out: Path
) -> None:
    _, assessment = example.recorded(workspace)
    with writing(workspace) as connection:
        record_assessment(connection, example.case(), replace(assessment, conflicts=()), "system")
    export(workspace, out, actor="auditor")
    assert len(lines(files(out)["assessments.jsonl"])) == 2


def test_the_workspace_can_be_opened_again_after_an_export(
    filled: Engine, out: Path, workspace: Engine
) -> None:
    export(filled, out, actor="auditor")
    filled.dispose()
    assert workspace.url.database
    again = open_workspace(Path(workspace.url.database).parent)
    with again.connect() as connection:
        assert verify(connection).events == 10
    again.dispose()


def test_a_full_disk_is_named_and_leaves_neither_file_nor_event(
    workspace: Engine, example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example.recorded(workspace)
    out = tmp_path / "exports" / "record.zip"
    large = {"large.bin": lambda _: (os.urandom(2**20) for _ in range(12))}
    with monkeypatch.context() as patch:
        patch.setattr(bundle, "FILES", bundle.FILES | large)
        with room(8 * 2**20), pytest.raises(StoreError, match=r"record\.zip.* its disk is full"):
            export(workspace, out, actor="system")
    assert list(out.parent.iterdir()) == []
    done = export(workspace, out, actor="system")
    assert done.verdict.intact
    with workspace.connect() as connection:
        exported = [e for e in ledger.events(connection) if e.kind == "EXPORTED"]
    assert [e.payload["manifest"] for e in exported] == [done.manifest]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
