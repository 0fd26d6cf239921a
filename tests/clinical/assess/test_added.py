"""The process that assesses an added case, for real: the shipped model, one case, one record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clinical.audit import ledger
from clinical.audit.verify import verify
from clinical.case.case import Case, input_digest, record_digest
from clinical.case.shapes import Event, Events, Text, Texts
from clinical.model.card import SHIPPED_MODEL
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing


def case(note: str) -> Case:
    """Two inputs that need no image to be drawn."""
    history = Events((Event("I50.9", "Heart failure"),), age_years=81, sex="female")
    return Case(
        "case-1", "patient-1", None, {"history": history, "notes": Texts((Text("note", note),))}
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    engine = open_workspace(tmp_path, create=True)
    with writing(engine) as connection:
        intake.record_added(connection, case("Leg swelling for a week."), "dr.first")
    engine.dispose()
    return tmp_path


def asked(workspace: Path, of: Case) -> list[dict[str, Any]]:
    wanted = {
        "workspace": str(workspace),
        "case": of.case_id,
        "input": input_digest(of),
        "record": record_digest(of),
    }
    command = [sys.executable, "-m", "clinical.assess.added", "--checkpoint", str(SHIPPED_MODEL)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(wanted) + "\n")
    process.stdin.flush()
    said = [json.loads(line) for line in process.stdout]
    process.stdin.close()
    process.stdout.close()
    process.wait()
    return said


def test_it_is_assessed_and_recorded(workspace: Path) -> None:
    said = asked(workspace, case("Leg swelling for a week."))
    assert [line.get("step") for line in said[:-1]] == ["model", "assessing", "recording"]
    engine = open_workspace(workspace)
    with engine.connect() as connection:
        added, assessed = ledger.events(connection, case_id="case-1")
        assert verify(connection).intact
    engine.dispose()
    assert (added.actor, assessed.actor) == ("dr.first", "system")
    assert said[-1] == {"assessed": assessed.payload["assessment"]}
    assert "conditions" in assessed.payload, "a replay can compare"


def test_a_version_that_was_corrected_meanwhile_is_not_recorded(workspace: Path) -> None:
    old, new = case("Leg swelling for a week."), case("Leg swelling for a month.")
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        intake.record_added(connection, new, "dr.first", corrects=record_digest(old))
    assert "was corrected while" in asked(workspace, old)[-1]["error"]
    with engine.connect() as connection:
        kinds = [event.kind for event in ledger.events(connection, case_id="case-1")]
    engine.dispose()
    assert kinds == ["IMPORTED", "IMPORTED"]


def test_it_ends_when_nobody_listens(workspace: Path) -> None:
    command = [sys.executable, "-m", "clinical.assess.added", "--checkpoint", str(SHIPPED_MODEL)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None
    process.stdin.write(b'{"workspace": "nowhere"}\n')
    process.stdin.close()
    assert process.wait() != 0
