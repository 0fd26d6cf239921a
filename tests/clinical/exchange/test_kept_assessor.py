"""The model that is kept loaded: what is said of a case, and what happens when its process ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clinical.errors import ModelError
from clinical.exchange import kept_assessor
from clinical.exchange.kept_assessor import KeptAssessor
from clinical.model import installed
from clinical.model.card import Card

VERSIONS = {"input": "i", "record": "r"}
STAND_IN = """
import json, os, pathlib, sys
place = pathlib.Path(sys.argv[1])
with (place / "starts").open("a") as starts:
    starts.write("x")
if (place / "no model").exists():
    print(json.dumps({"error": "No such checkpoint.", "remedy": "name one"}), flush=True)
    sys.exit(2)
print(json.dumps({"step": "ready"}), flush=True)
for line in sys.stdin:
    wanted = json.loads(line)
    print(json.dumps({"step": "assessing"}), flush=True)
    case = wanted["case"]
    if case == "always fatal" or case == "fatal once" and not (place / "seen").exists():
        (place / "seen").touch()
        os._exit(9)
    answer = {"assessed": f"digest of {case}"}
    if case == "corrected":
        answer = {"error": "Case corrected was corrected while it was assessed.", "remedy": ""}
    if case == "unreadable":
        answer = {"error": "The pixels are missing.", "remedy": "restore"}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def assessor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptAssessor]:
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    monkeypatch.setattr(
        kept_assessor, "command", lambda _: [sys.executable, str(script), str(tmp_path)]
    )
    made = KeptAssessor(tmp_path, tmp_path)
    yield made
    made.close()


def starts(tmp_path: Path) -> int:
    return len((tmp_path / "starts").read_text(encoding="utf-8"))


def test_one_process_assesses_case_after_case(assessor: KeptAssessor, tmp_path: Path) -> None:
    assessor.warm()
    assert [assessor.assess(name, VERSIONS) for name in ("a", "b")] == [
        "digest of a",
        "digest of b",
    ]
    assert starts(tmp_path) == 1


def test_a_version_that_was_corrected_meanwhile_is_nothing(assessor: KeptAssessor) -> None:
    assert assessor.assess("corrected", VERSIONS) == ""
    assert assessor.assess("b", VERSIONS) == "digest of b"


def test_a_case_that_cannot_be_assessed_says_why(assessor: KeptAssessor) -> None:
    with pytest.raises(ModelError, match="pixels are missing"):
        assessor.assess("unreadable", VERSIONS)


def test_a_process_that_ended_is_started_again(assessor: KeptAssessor, tmp_path: Path) -> None:
    assert assessor.assess("fatal once", VERSIONS) == "digest of fatal once"
    assert starts(tmp_path) == 2


def test_a_case_that_ends_it_each_time_is_given_up(assessor: KeptAssessor) -> None:
    with pytest.raises(ModelError, match="has ended"):
        assessor.assess("always fatal", VERSIONS)
    assert assessor.assess("b", VERSIONS) == "digest of b"


def test_a_model_that_cannot_be_used_is_said(assessor: KeptAssessor, tmp_path: Path) -> None:
    (tmp_path / "no model").touch()
    with pytest.raises(ModelError, match="No such checkpoint"):
        assessor.warm()


def test_a_process_that_starts_at_the_end_is_ended_too(
    assessor: KeptAssessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def slow(*arguments: Any, **named: Any) -> subprocess.Popen[str]:
        begun.append(popen(*arguments, **named))
        assessor.close()  # by another thread, which finds nothing to end yet
        return begun[0]

    monkeypatch.setattr(subprocess, "Popen", slow)
    with pytest.raises(ModelError, match="No case is assessed any more"):
        assessor.warm()
    assert begun[0].returncode is not None


def test_after_the_end_nothing_is_started(assessor: KeptAssessor, tmp_path: Path) -> None:
    assessor.warm()
    assessor.close()
    with pytest.raises(ModelError, match="No case is assessed any more"):
        assessor.assess("a", VERSIONS)
    assert starts(tmp_path) == 1


def test_models_that_come_and_go_are_seen_at_the_next_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN, encoding="utf-8")
    loaded: list[list[Path]] = []

    def command(asked: list[Path]) -> list[str]:
        loaded.append(asked)
        return [sys.executable, str(script), str(tmp_path)]

    here = [Card(tmp_path / name, name, name, {}, "") for name in ("own", "shipped")]
    monkeypatch.setattr(kept_assessor, "command", command)
    monkeypatch.setattr(installed, "asked", lambda _: list(here))
    made = KeptAssessor(tmp_path, None)
    try:
        assert made.assess("a", VERSIONS) == "digest of a"
        assert made.assess("b", VERSIONS) == "digest of b"
        del here[1]
        assert made.assess("c", VERSIONS) == "digest of c"
        assert loaded == [[tmp_path / "own", tmp_path / "shipped"], [tmp_path / "own"]]
        here.clear()
        with pytest.raises(ModelError, match="No model is installed"):
            made.assess("d", VERSIONS)
    finally:
        made.close()
