"""The example of an export: no file without its event, no event without its file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.canonical import sha256
from clinical.errors import LedgerError, StoreError
from clinical.workspace import store
from examples.add_an_export import waiting_list
from examples.add_an_export.waiting_list import export_waiting


def test_cases_are_listed_until_a_first_reader_has_finished(
    workspace: Engine, tmp_path: Path
) -> None:
    out = tmp_path / "waiting.csv"
    count = export_waiting(workspace, out, actor="boss")
    with out.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with workspace.connect() as connection:
        everything = [entry.case_id for entry in store.worklist(connection)]
    assert rows
    listed = [row["case_id"] for row in rows]
    assert len(rows) == count
    assert listed == [case_id for case_id in everything if case_id in listed]
    assert {row["status"] for row in rows} <= waiting_list.WAITING


def test_the_event_names_the_bytes_of_the_file(workspace: Engine, tmp_path: Path) -> None:
    out = tmp_path / "waiting.csv"
    export_waiting(workspace, out, actor="boss")
    with workspace.connect() as connection:
        *_, last = ledger.events(connection)
        assert verify(connection).intact
    assert (last.kind, last.actor) == ("EXPORTED", "boss")
    assert last.payload["file"] == sha256(out.read_bytes())


def test_where_nothing_can_be_recorded_nothing_is_written(
    workspace: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LedgerError("The ledger is full.")

    monkeypatch.setattr(waiting_list.ledger, "append", refuse)
    with pytest.raises(LedgerError):
        export_waiting(workspace, tmp_path / "waiting.csv", actor="boss")
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def test_a_place_that_cannot_be_written_to_is_said(workspace: Engine, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"waiting\.csv cannot be written"):
        export_waiting(workspace, tmp_path / "nowhere" / "waiting.csv", actor="boss")
