"""A witness holds every signed head from when it was appointed, and finds what was put back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from recording import folder, lines, record, sizes
from sqlalchemy import Engine

from clinical.audit import ledger, witness
from clinical.audit.verify import NO_KEY, verify
from clinical.errors import LedgerError, StoreError
from clinical.workspace.database import DATABASE_NAME, open_workspace, writing
from pipelines.cli import main
from pipelines.commands import verification


def appointed(engine: Engine, file: Path) -> Path:
    witness.appoint(folder(engine), file, lines(engine))
    return folder(engine)


def test_it_gets_what_there_is_and_every_head_after_that(workspace: Engine, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.jsonl"
    record(workspace, "OPENED")
    place = appointed(workspace, file)
    record(workspace, "PROTOCOL", 3)
    assert sizes(file) == [1, 2, 3, 4]
    record(workspace, "OPENED")
    assert sizes(file) == [1, 2, 3, 4], "no head was due"
    witness.dismiss(place)
    record(workspace, "PROTOCOL")
    assert sizes(file) == [1, 2, 3, 4]


def abandoned(engine: Engine) -> None:
    with writing(engine) as connection:
        ledger.append(connection, "PROTOCOL", actor="reader", payload={})
        raise InterruptedError


def test_what_is_rolled_back_is_never_in_it(workspace: Engine, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.jsonl"
    record(workspace, "OPENED")
    appointed(workspace, file)
    with pytest.raises(InterruptedError):
        abandoned(workspace)
    assert sizes(file) == [1]
    record(workspace, "OPENED")
    assert sizes(file) == [1], "nor with the transaction that follows"


def test_one_that_was_out_of_reach_stops_nobody_and_catches_up(
    workspace: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = tmp_path / "mount"
    place.mkdir()
    record(workspace, "OPENED")
    appointed(workspace, place / "heads.jsonl")
    place.rename(tmp_path / "away")
    record(workspace, "PROTOCOL", 2)
    assert "cannot be written" in caplog.text
    (tmp_path / "away").rename(place)
    record(workspace, "PROTOCOL")
    assert sizes(place / "heads.jsonl") == [1, 2, 3, 4]


def test_a_line_that_a_crash_cut_short_is_passed_over(workspace: Engine, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    record(workspace, "OPENED")
    appointed(workspace, file)
    record(workspace, "PROTOCOL")
    file.write_bytes(file.read_bytes()[:-40])
    assert sizes(file) == [1]
    record(workspace, "PROTOCOL")
    assert sizes(file) == [1, 2, 3]


def test_it_finds_a_ledger_that_was_put_back(workspace: Engine, tmp_path: Path) -> None:
    file = tmp_path / "heads.jsonl"
    record(workspace, "OPENED", 3)
    place = appointed(workspace, file)
    workspace.dispose()
    shutil.copy(place / DATABASE_NAME, tmp_path / "older")
    record(workspace, "PROTOCOL")
    workspace.dispose()
    shutil.copy(tmp_path / "older", place / DATABASE_NAME)
    engine = open_workspace(place)
    with engine.connect() as connection:
        assert verify(connection).intact, "whole in itself"
        found = verify(connection, witnessed=verification.witnessed(file))
    engine.dispose()
    assert found.reason.startswith("rolled back: the ledger ends at event 3")


def test_what_it_refuses(workspace: Engine, tmp_path: Path) -> None:
    record(workspace, "OPENED")
    place = folder(workspace)
    with pytest.raises(StoreError, match="lost or changed with it"):
        appointed(workspace, place / "heads.jsonl")
    with pytest.raises(StoreError, match="cannot be written"):
        appointed(workspace, tmp_path / "none" / "heads.jsonl")
    (tmp_path / "other.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(LedgerError, match="another ledger"):
        appointed(workspace, tmp_path / "other.jsonl")
    with pytest.raises(LedgerError, match="no signed heads"):
        verification.witnessed(tmp_path / "other.jsonl")
    assert witness.appointed(place) is None


def test_the_commands(
    workspace: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(workspace, "OPENED")
    place, file = ["--workspace", str(folder(workspace))], str(tmp_path / "w.jsonl")
    assert main(["audit", "set-witness", *place], {}) == 1
    assert main(["audit", "set-witness", *place, "--file", file], {}) == 0
    assert "1 heads so far" in capsys.readouterr().out
    record(workspace, "PROTOCOL", 2)
    assert main(["audit", "verify", *place, "--witness", file], {}) == 0
    assert "witness: 3 heads, the last over 3 of 3 signed events" in capsys.readouterr().out
    assert main(["audit", "verify", *place, "--witness", str(tmp_path / "none")], {}) == 1
    assert main(["audit", "set-witness", *place, "--off"], {}) == 0
    with workspace.connect() as connection:
        assert verify(connection, key=NO_KEY).intact
