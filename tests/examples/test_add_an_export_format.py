"""The example of an export format goes into the record once it is registered."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clinical.audit import retention, verifier
from clinical.export import bundle
from clinical.workspace import store
from examples.add_an_export_format.letters import NAME, letters


def names(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [entry.case_id for entry in store.worklist(connection)]


def written(engine: Engine, chosen: list[str]) -> str:
    with engine.connect() as connection:
        return b"".join(letters(connection, chosen)).decode()


def test_each_case_has_a_letter_in_the_order_asked_for(workspace: Engine) -> None:
    cases = names(workspace)[::-1]
    said = written(workspace, cases).splitlines()
    assert [line.removeprefix("## ") for line in said if line.startswith("## ")] == cases


def test_a_letter_says_what_was_decided_and_by_whom(workspace: Engine) -> None:
    said = written(workspace, names(workspace))
    assert said.count("dr.tour: ") == 1


def test_a_case_that_was_purged_has_no_content(workspace: Engine) -> None:
    case_id = names(workspace)[0]
    retention.purge(workspace, [case_id], because="erasure", actor="boss")
    said = written(workspace, [case_id])
    assert "purged by event" in said
    assert "Status" not in said


@pytest.mark.parametrize("de_identified", [False, True])
def test_a_registered_format_is_in_a_record_that_is_whole(
    workspace: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, de_identified: bool
) -> None:
    line = lambda view: letters(view.connection, view.chosen)  # noqa: E731
    monkeypatch.setitem(bundle.FILES, NAME, line)
    out = tmp_path / "record.zip"
    bundle.export(workspace, out, actor="auditor", de_identified=de_identified)
    with zipfile.ZipFile(out) as archive:
        said = archive.read(NAME).decode()
    assert any(name in said for name in names(workspace)) is not de_identified
    checked = subprocess.run([sys.executable, "-I", "-S", verifier.__file__, out])
    assert checked.returncode == 0
