"""An export: verified first, complete, recorded, and honest about a broken ledger."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import ledger
from clinical.audit.ledger import Head
from clinical.audit.verify import verify
from clinical.database import open_workspace
from clinical.errors import StoreError
from clinical.export.bundle import export
from clinical.review import decide

FILES = {
    "events.jsonl", "assessments.jsonl", "decisions.jsonl", "report.html", "manifest.json",
}  # fmt: skip


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


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


def test_everything_is_written_and_the_export_is_recorded(filled: Engine, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    result = export(
        filled, tmp_path / "out", actor="auditor", progress=lambda *done: told.append(done)
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES == set(result.files)
    assert told == [(1, 3), (2, 3), (3, 3)]
    for name, digest in result.files.items():
        assert canonical.sha256((tmp_path / "out" / name).read_bytes()) == digest
    assert result.event is not None
    assert result.event.payload["files"] == result.files
    with filled.connect() as connection:
        assert [e.kind for e in ledger.events(connection)][-1] == "EXPORTED"
        assert verify(connection).intact


def test_an_auditor_can_check_the_files_with_json_and_sha256_alone(
    filled: Engine, tmp_path: Path
) -> None:
    export(filled, tmp_path, actor="auditor")
    previous = "0" * 64
    for event in lines(tmp_path / "events.jsonl"):
        claimed = event.pop("hash")
        assert event["previous"] == previous
        assert canonical.digest(event) == claimed
        previous = claimed
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["head"] == {"sequence": 9, "hash": previous}
    raw = (tmp_path / "assessments.jsonl").read_bytes().splitlines()
    named = [
        event["payload"]["assessment"]
        for event in lines(tmp_path / "events.jsonl")
        if event["kind"] == "ASSESSED"
    ]
    assert [canonical.sha256(line) for line in raw] == named
    for decision in lines(tmp_path / "decisions.jsonl"):
        salted = {"salt": decision["comment_salt"], "text": decision["comment"]}
        assert canonical.digest(salted) == decision["comment_digest"]


def test_a_noted_head_verifies_a_later_ledger(filled: Engine, tmp_path: Path) -> None:
    verdict = export(filled, tmp_path, actor="auditor").verdict
    with filled.connect() as connection:
        assert verify(connection, known=Head(verdict.events, verdict.head)).intact


def test_superseded_decisions_are_exported_and_marked(
    filled: Engine, example: Any, tmp_path: Path
) -> None:
    with filled.connect() as connection:
        (event,) = ledger.events(connection, case_id="case-2", kind="DECIDED")
    second = example.decision(
        event.payload["assessment"], case_id="case-2", action="reject", reason="lab_explains"
    )
    decide(filled, second)
    export(filled, tmp_path, actor="auditor", case_ids={"case-2"})
    found = [(d["action"], d["stands"]) for d in lines(tmp_path / "decisions.jsonl")]
    assert found == [("accept", False), ("reject", True)]


def test_chosen_cases_only(filled: Engine, tmp_path: Path) -> None:
    result = export(filled, tmp_path, actor="auditor", case_ids=["case-2"])
    text = "".join((tmp_path / name).read_text(encoding="utf-8") for name in FILES)
    assert result.cases == 1
    assert "case-2" in text
    assert "case-1" not in text
    assert "case-3" not in text
    assert result.event is not None
    assert "case-2" not in str(result.event.payload)


def test_an_unknown_case_is_refused_and_nothing_is_written(filled: Engine, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no assessed case case-7") as caught:
        export(filled, tmp_path, actor="auditor", case_ids=["case-1", "case-7"])
    assert caught.value.remedy
    assert list(tmp_path.glob("*.*")) == []


def test_an_export_replaces_an_earlier_one(filled: Engine, tmp_path: Path) -> None:
    first = export(filled, tmp_path / "out", actor="auditor")
    second = export(filled, tmp_path / "out", actor="auditor")
    assert first.files["events.jsonl"] != second.files["events.jsonl"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("UPDATE events SET actor = 'm' WHERE sequence = 4", 4),
        ("UPDATE assessments SET record = replace(record, '0.83', '0.13')", 1),
        ("UPDATE comments SET text = 'Other words.'", 3),
        ("UPDATE events SET payload = '{}' WHERE sequence = 6", 6),
        ("DELETE FROM pixels", None),
    ],
)
def test_a_broken_record_is_exported_with_its_verdict(
    filled: Engine, tmp_path: Path, statement: str, first_broken: int | None
) -> None:
    tamper(filled, statement)
    result = export(filled, tmp_path, actor="auditor")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert result.verdict.first_broken == first_broken
    assert result.event is not None
    assert result.event.payload["intact"] is (first_broken is None)
    assert (f"broken at event {first_broken}" in html) is (first_broken is not None)
    assert {path.name for path in tmp_path.iterdir()} >= FILES


def test_a_cut_ledger_is_exported_but_not_appended_to(filled: Engine, tmp_path: Path) -> None:
    tamper(filled, "DELETE FROM events WHERE sequence > 7")
    result = export(filled, tmp_path, actor="auditor")
    assert (result.verdict.intact, result.verdict.first_broken) == (False, 8)
    assert result.event is None
    with filled.connect() as connection:
        assert ledger.head(connection).sequence == 9


def test_a_folder_that_cannot_be_written_is_named(filled: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        export(filled, tmp_path / "file", actor="auditor")


def test_an_earlier_assessment_stays_in_the_export(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    from clinical.database import writing
    from clinical.review import record_assessment

    _, assessment = example.recorded(workspace)
    with writing(workspace) as connection:
        record_assessment(connection, example.case(), replace(assessment, conflicts=()), "system")
    export(workspace, tmp_path, actor="auditor")
    assert len(lines(tmp_path / "assessments.jsonl")) == 2


def test_the_workspace_can_be_opened_again_after_an_export(
    filled: Engine, tmp_path: Path, workspace: Engine
) -> None:
    export(filled, tmp_path / "out", actor="auditor")
    filled.dispose()
    assert workspace.url.database
    again = open_workspace(Path(workspace.url.database).parent)
    with again.connect() as connection:
        assert verify(connection).events == 10
    again.dispose()
