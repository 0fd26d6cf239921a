"""`triptych export meds`: a workspace becomes a dataset that the same program reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from clinic_of_two import write_cohort

from clinical.cohorts import meds
from pipelines.checking.check import layout_of
from pipelines.cli import main


def run(*arguments: str | Path) -> int:
    return main(list(map(str, arguments)), {})


def test_a_workspace_is_exported_once_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cohort(tmp_path / "cohort", cases=3)
    workspace, out = tmp_path / "workspace", tmp_path / "meds"
    assert run("reading", "import", tmp_path / "cohort", "--workspace", workspace) == 0
    assert run("export", "meds", "--workspace", workspace, "--out", out) == 0
    assert "3 cases of 2 subjects" in capsys.readouterr().out
    assert layout_of(out) == "meds"
    assert len(meds.index(out)) == 2  # two cases of one patient at one moment are one
    assert run("export", "meds", "--workspace", workspace, "--out", out) == 1
    assert "is there already" in capsys.readouterr().err


def test_another_format_is_wrong_use(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("export", "excel", "--workspace", tmp_path, "--out", out) == 2
    assert not out.exists()
