"""A case is removed: its bytes are gone, the chain verifies, and it says by which event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from clinical.audit import ledger, retention
from clinical.audit.verify import Verdict, verify
from clinical.case.case import Case
from clinical.case.shapes import Text, Texts
from clinical.errors import LedgerError, ReviewError, StoreError
from clinical.review import decisions, intake, progress
from clinical.workspace import scrubbing, store
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing
from clinical.workspace.layout import ASSESSMENTS, CASES, COMMENTS, PIXELS, WORKLIST
from pipelines.cli import main

MARKER = "zaphod-was-here"
REMARK = "trillian-thought-so"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


@pytest.fixture
def ward(folder: Path, example: Any) -> Iterator[Engine]:
    """Two cases of the same image; the first has a telling note and a decision with a comment."""
    engine = open_workspace(folder, create=True)
    digest, _ = example.recorded(engine, told(example.case()))
    example.recorded(engine, example.case("case-2"))
    decisions.decide(engine, example.decision(digest, comment=REMARK))
    yield engine
    engine.dispose()


def told(case: Case) -> Case:
    return replace(case, inputs={**case.inputs, "notes": Texts((Text("Plan", MARKER * 400),))})


def verdict(engine: Engine) -> Verdict:
    with engine.connect() as connection:
        return verify(connection)


def in_files(folder: Path, *texts: str) -> bool:
    held = b"".join(path.read_bytes() for path in sorted(folder.glob(f"{DATABASE_NAME}*")))
    return any(text.encode() in held for text in texts)


def test_nothing_of_the_case_is_left_in_any_file(ward: Engine, folder: Path) -> None:
    assert in_files(folder, MARKER)
    assert in_files(folder, REMARK)
    retention.purge(ward, ["case-1"], because="erasure", actor="system")
    assert not in_files(folder, MARKER, REMARK, "patient of case-1")
    assert in_files(folder, "patient of case-2")


def test_the_ledger_verifies_and_names_the_event(ward: Engine) -> None:
    (event,) = retention.purge(ward, ["case-1"], because="erasure", actor="dr.ada")
    assert (event.kind, event.case_id, event.actor) == ("PURGED", "case-1", "dr.ada")
    assert event.payload["because"] == "erasure"
    found = verdict(ward)
    assert found.intact, found.reason
    assert found.purged == (event.sequence,)
    assert "1 cases that were purged" in found.reason


def test_what_another_case_has_too_stays(ward: Engine) -> None:
    (first,) = retention.purge(ward, ["case-1"], because="erasure", actor="system")
    assert first.payload["pixels"] == []
    with ward.connect() as connection:
        assert store.get_case(connection, "case-2").inputs["image"]
    (second,) = retention.purge(ward, ["case-2"], because="erasure", actor="system")
    assert len(second.payload["pixels"]) == 1
    with ward.connect() as connection:
        for table in (CASES, PIXELS, ASSESSMENTS, COMMENTS, WORKLIST):
            assert connection.execute(select(func.count()).select_from(table)).scalar() == 0
    assert verdict(ward).intact


def test_what_is_missing_without_such_an_event_is_still_a_fault(ward: Engine) -> None:
    with writing(ward) as connection:
        connection.execute(COMMENTS.delete())
    retention.purge(ward, ["case-2"], because="erasure", actor="system")
    found = verdict(ward)
    assert (found.intact, found.first_broken) == (False, 5)
    assert "comment" in found.reason


def test_a_case_that_is_said_to_be_purged_and_is_still_there_is_a_fault(
    ward: Engine, example: Any
) -> None:
    with writing(ward) as connection:
        found = retention.held(connection, "case-1")
        payload = {"because": "erasure", "assessments": found.assessments, "inputs": found.inputs}
        event = ledger.append(
            connection, "PURGED", actor="system", case_id="case-1", payload=payload
        )
    told_so = verdict(ward)
    assert (told_so.intact, told_so.first_broken) == (False, event.sequence)
    assert "still holds it" in told_so.reason


def test_a_case_may_come_again(ward: Engine, example: Any) -> None:
    retention.purge(ward, ["case-1"], because="mistake", actor="system")
    with ward.connect() as connection, pytest.raises(StoreError):
        store.get_case(connection, "case-1")
    with pytest.raises(ReviewError):  # nothing is there to be opened
        intake.record_opened(ward, "case-1", example.reader)
    case = told(example.case())
    with writing(ward) as connection:
        assert intake.record_assessment(connection, case, example.assessment(case), "system")
    assert verdict(ward).intact
    with ward.connect() as connection:
        past = progress.progress(ledger.events(connection, case_id="case-1"))
    assert past.subject is not None
    assert not past.readers


def test_a_second_purge_of_the_same_case_says_nothing_new(ward: Engine) -> None:
    assert retention.purge(ward, ["case-1"], because="erasure", actor="system")
    assert retention.purge(ward, ["case-1"], because="erasure", actor="system") == []


@pytest.mark.parametrize(
    ("case_id", "because", "error"),
    [("case-9", "erasure", StoreError), ("case-1", "because I can", LedgerError)],
)
def test_refusals(ward: Engine, case_id: str, because: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        retention.purge(ward, [case_id], because=because, actor="system")
    assert verdict(ward).purged == ()


def test_a_reader_of_the_file_hinders_and_the_same_command_ends_it(
    ward: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "WAIT_SECONDS", 0.1)
    with closing(ward.raw_connection()) as other:
        other.cursor().execute("BEGIN")
        other.cursor().execute("SELECT count(*) FROM events").fetchone()
        with pytest.raises(StoreError, match="another program"):
            retention.purge(ward, ["case-1"], because="erasure", actor="system")
        other.rollback()
    assert retention.purge(ward, ["case-1"], because="erasure", actor="system") == []
    assert not in_files(folder, MARKER, REMARK)


def test_by_rule_go_the_cases_without_any_event_since(ward: Engine, example: Any) -> None:
    opened = example.noon + timedelta(minutes=1)  # case-1 was decided on just now
    with ward.connect() as connection:
        assert retention.older_than(connection, opened) == []
        assert retention.older_than(connection, opened + timedelta(seconds=1)) == ["case-2"]
        later = datetime.now(UTC) + timedelta(days=1)
        assert retention.older_than(connection, later) == ["case-1", "case-2"]


def test_the_command(ward: Engine, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(folder)]
    assert main(["audit", "purge", *place, "--older-than", "30", "--dry-run"], {}) == 0
    assert "would remove 1 cases, 1 assessments" in capsys.readouterr().out
    assert main(["audit", "purge", *place], {}) == 1
    assert main(["audit", "purge", *place, "--case", "case-1"], {}) == 1  # no reason given
    assert "erasure, retention, mistake" in capsys.readouterr().err
    assert main(["audit", "purge", *place, "--case", "case-1", "--because", "erasure"], {}) == 0
    assert "removed 1 cases, 1 assessments, 0 images" in capsys.readouterr().out
    assert main(["audit", "verify", *place], {}) == 0
    assert "purged: 1 cases, by event 6" in capsys.readouterr().out
