"""What an export says of a case that was purged: by which event, in every file that names it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import ledger, retention, verifier
from clinical.export.bundle import export
from clinical.review import decisions
from clinical.review.intake import record_assessment
from clinical.workspace.database import writing

Content = dict[str, bytes]


@pytest.fixture
def purged(workspace: Engine, example: Any) -> Engine:
    """Two cases; the first, with a commented decision, is purged by event 5."""
    digest, _ = example.recorded(workspace)
    decisions.decide(workspace, example.decision(digest, comment="Not convinced."))
    with writing(workspace) as connection:
        other = example.case("case-2")
        record_assessment(connection, other, example.assessment(other), "system")
    retention.purge(workspace, ["case-1"], because="erasure", actor="dr.eve")
    return workspace


def exported(workspace: Engine, out: Path) -> Content:
    export(workspace, out, actor="auditor")
    with zipfile.ZipFile(out) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def run(out: Path) -> tuple[int, str]:
    command = [sys.executable, "-I", "-S", verifier.__file__, str(out)]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, done.stdout.decode()


def rows(content: Content, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content[name].decode("utf-8-sig"))))


def test_the_record_is_whole_and_names_the_event(purged: Engine, tmp_path: Path) -> None:
    exported(purged, tmp_path / "r.zip")
    code, words = run(tmp_path / "r.zip")
    assert code == 0, words
    assert "What is missing of them was purged by event 5." in words


def test_tables_and_lines_say_so(purged: Engine, tmp_path: Path) -> None:
    content = exported(purged, tmp_path / "r.zip")
    first, second = rows(content, "cases.csv")
    assert (first["status"], first["problem"]) == ("purged", "purged by event 5")
    assert (second["status"], second["problem"]) == ("unread", "")
    assert rows(content, "suggestions.csv")[0]["withheld_because"] == "purged by event 5"
    (decision,) = rows(content, "decisions.csv")
    assert (decision["comment"], decision["problem"]) == ("", "purged by event 5")
    for name in ("assessments.jsonl", "cases.jsonl", "comments.jsonl"):
        gone = json.loads(content[name].splitlines()[0])
        assert (gone["case_id"], gone["purged_by"]) == ("case-1", 5)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not on this machine")
def test_the_report_says_so(purged: Engine, tmp_path: Path) -> None:
    content = exported(purged, tmp_path / "r.zip")
    command = ["pdftotext", "-raw", "-", "-"]
    done = subprocess.run(command, input=content["report.pdf"], capture_output=True, check=True)
    text = " ".join(done.stdout.decode().split())
    assert "purged by event 5" in text.partition("This case was purged")[0]  # in the list in front
    assert "This case was purged by event 5 dr.eve removed it on" in text
    assert "the person asked for it, or somebody for them" in text


def test_a_line_that_blames_another_event_is_found(purged: Engine, tmp_path: Path) -> None:
    content = exported(purged, tmp_path / "r.zip")
    lines = content["comments.jsonl"]
    content["comments.jsonl"] = lines.replace(b'"purged_by":5', b'"purged_by":4')
    record = verifier.Record(verifier.Files(tmp_path / "r.zip"), ())
    verifier.check_files(record)
    verifier.check_events(record)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    (folder / "comments.jsonl").write_bytes(content["comments.jsonl"])
    record.files = verifier.Files(folder)
    with pytest.raises(verifier.Fault, match="names no event that purged it"):
        list(verifier.lines_of(record, "comments.jsonl", "comment"))


def test_a_case_that_came_again_is_shown_again(
    purged: Engine, example: Any, tmp_path: Path
) -> None:
    with writing(purged) as connection:
        case = example.case()
        record_assessment(connection, case, example.assessment(case), "system")
    content = exported(purged, tmp_path / "r.zip")
    assert run(tmp_path / "r.zip")[0] == 0
    first, _ = rows(content, "cases.csv")
    assert (first["status"], first["problem"]) == ("unread", "")
    named = {canonical.sha256(line) for line in content["assessments.jsonl"].splitlines()}
    with purged.connect() as connection:
        made = ledger.events(connection, case_id="case-1", kind="ASSESSED")
        assert {event.payload["assessment"] for event in made} <= named
