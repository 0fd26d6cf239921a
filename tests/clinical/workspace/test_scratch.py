"""Temporary places of a killed process are gone after the next start; those in use stay."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from clinical.workspace import scratch
from clinical.workspace.database import open_workspace

KILLED = """
import os, signal, sys
from pathlib import Path
from clinical.workspace import scratch
with scratch.folder() as place, scratch.part(Path(sys.argv[1])) as part:
    (place / "report.json").write_text("a patient")
    part.write_text("a patient")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def test_what_a_killed_process_left_is_swept_and_what_is_in_use_stays(
    temporary: Path, tmp_path: Path
) -> None:
    out = tmp_path / "exports" / "record.zip"
    out.parent.mkdir()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert ended.returncode < 0
    (left,) = temporary.iterdir()
    assert (left / "report.json").exists()
    assert len(list(out.parent.iterdir())) == 1
    with scratch.folder() as mine:
        open_workspace(tmp_path / "workspace", create=True).dispose()
        assert list(temporary.iterdir()) == [mine]
    assert list(temporary.iterdir()) == []
    with scratch.part(out) as part:
        part.write_text("mine", encoding="utf-8")
        scratch.sweep_parts(out.parent)
        assert list(out.parent.iterdir()) == [part]
    assert list(out.parent.iterdir()) == []


def test_folders_of_others_and_without_a_lock_stay(temporary: Path) -> None:
    (temporary / "triptych-of-somebody").mkdir()
    (temporary / "triptych-link").symlink_to(temporary)
    scratch.sweep()
    assert len(list(temporary.iterdir())) == 2
