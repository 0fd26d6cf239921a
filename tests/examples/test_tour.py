"""The tour runs, and what it prints is so."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from examples import tour

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def test_it_ends_with_a_record_that_is_whole(toured: Path) -> None:
    assert "THE RECORD IS INTACT" in tour.check(toured / "record.zip")
    with zipfile.ZipFile(toured / "record.zip") as archive:
        events = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
    assert [event["kind"] for event in events] == ["ASSESSED"] * tour.CASES + ["OPENED", "DECIDED"]
    assert events[-1]["actor"] == tour.READER


def test_a_spoiled_record_is_not_whole(toured: Path, tmp_path: Path) -> None:
    spoiled = tmp_path / "record.zip"
    with zipfile.ZipFile(toured / "record.zip") as whole, zipfile.ZipFile(spoiled, "w") as copy:
        for name in whole.namelist():
            content = whole.read(name)
            copy.writestr(name, content.replace(b"accept", b"reject"))
    verifier = [sys.executable, "-I", "-S", toured / "verify.py", spoiled]
    said = subprocess.run(verifier, capture_output=True, text=True)
    assert said.returncode == 1


def test_an_assessment_is_described_by_its_first_suggestions_and_their_evidence(
    toured: Path,
) -> None:
    assessments = tour.assess(toured / "cohort", toured / "again")
    said = tour.describe(assessments[0]).splitlines()
    assert said[0].startswith(assessments[0].case_id)
    assert len(said) > 4


def test_without_a_folder_it_says_how_to_call_it() -> None:
    script = [sys.executable, ROOT / "examples" / "tour.py"]
    environment = {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(script, capture_output=True, text=True, env=environment)
    assert said.returncode == 1
    assert "usage: python examples/tour.py OUT" in said.stderr
