"""The commands that fill a workspace and look after its readers, by the address of a server."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from clinic_of_two import write_cohort
from postgres_server import Server

from clinical.workspace.place import as_options
from pipelines.cli import main

PASSWORD = "three quiet herons"


def test_cases_are_imported_and_readers_get_accounts(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_cohort(tmp_path / "cohort", cases=4)
    keys = tmp_path / "keys"
    keys.mkdir()
    place = as_options(server.empty_workspace(keys))

    def run(*words: str) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        assert main([*words, *place], {}) == 0
        return " ".join(capsys.readouterr().out.split())

    assert "4 imported" in run("reading", "import", str(tmp_path / "cohort"))
    assert "first read before the model's: yes" in run("reading", "set-protocol", "--first-read")
    assert "0 cases signed by two readers" in run("reading", "compare")
    run("account", "add", "boss", "--role", "administrator", "--password-stdin")
    run("account", "set-password", "boss", "--password-stdin")
    run("account", "disable", "boss")
    run("account", "enable", "boss")
    assert "administrator" in run("account", "list")
    assert "intact: 9 events" in run("audit", "verify")


def test_a_password_in_an_address_is_refused_before_anything_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--workspace", "postgresql+psycopg://boss:hunter2@/base", "--keys", str(tmp_path)]
    for words in (["serve"], ["account", "list"], ["assess", "x", "--out", "y"]):
        assert main([*words, *place], {}) == 1
    shown = capsys.readouterr()
    assert "contains a password" in shown.err
    assert "hunter2" not in shown.out + shown.err
