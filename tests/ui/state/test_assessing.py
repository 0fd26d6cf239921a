"""Assessments beside the page: progress, a killed process, a second try, the end of the server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from ui.state import assessing
from ui.state.assessing import Job

STAND_IN = Path(__file__).with_name("assessing_fixture.py")
VERSIONS = {"input": "1" * 64, "record": "2" * 64}


@pytest.fixture
def manner(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Lets a stand-in work in the given manner."""

    def use(name: str) -> None:
        monkeypatch.setattr(assessing, "command", lambda _: [sys.executable, str(STAND_IN), name])

    yield use
    assessing.stop()


def begin(folder: Path, case_id: str = "added-0001", reader: str = "dr.first") -> Job:
    return assessing.begin(folder, reader, case_id, VERSIONS, [Path("model")])


def ended(job: Job) -> Job:
    until(lambda: job.state != "working" and job.process is None, "the end of an assessment")
    return job


def test_a_case_is_assessed(tmp_path: Path, manner: Callable[[str], None]) -> None:
    manner("works")
    job = begin(tmp_path)
    assert job.words.endswith(" …")
    assert (ended(job).state, job.step, job.words) == ("done", "recording", "Assessed")
    assert assessing.of(tmp_path, "dr.first")[0] is job
    assert assessing.of(tmp_path, "dr.second") == []
    assert assessing.find(job.name, "dr.first") is job
    assert assessing.find(job.name, None) is job
    assert assessing.find(job.name, "dr.second") is None


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            "dies",
            "Saved, but not assessed. The process that assessed it has ended (ended by SIGKILL)",
        ),
        ("refuses", "Saved, but not assessed. The model cannot. Use another one."),
    ],
)
def test_what_fails_leaves_a_sentence_and_can_be_tried_again(
    tmp_path: Path, manner: Callable[[str], None], how: str, words: str
) -> None:
    manner(how)
    job = ended(begin(tmp_path))
    assert job.state == "failed"
    assert job.words.startswith(words)
    manner("works")
    assessing.again(job)
    assert ended(job).state == "done"
    assert job.tries == 2


def test_a_process_that_takes_too_long_is_ended(
    tmp_path: Path, manner: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    manner("hangs")
    monkeypatch.setattr(assessing, "LIMIT_SECONDS", 0.1)
    assert "SIGKILL" in ended(begin(tmp_path)).words


def test_one_works_at_a_time_and_a_server_that_stops_leaves_none(
    tmp_path: Path, manner: Callable[[str], None]
) -> None:
    manner("hangs")
    first, second = begin(tmp_path), begin(tmp_path, "added-0002")
    running = until(lambda: first.process or second.process, "the start of one")
    waits = second if first.process else first
    assert (waits.step, waits.process) == ("waiting", None)
    assessing.stop()
    running.wait()
    assert assessing.of(tmp_path, "dr.first") == []
    assert waits.process is None


def test_a_server_that_stops_while_a_process_starts_ends_it(
    tmp_path: Path, manner: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    manner("hangs")
    popen = subprocess.Popen

    def slow(*arguments: Any, **named: Any) -> subprocess.Popen[str]:
        process = popen(*arguments, **named)
        assessing.stop()  # by another thread, which finds nothing to end yet
        return process

    monkeypatch.setattr(subprocess, "Popen", slow)
    assert "SIGKILL" in ended(begin(tmp_path)).words


def test_a_program_that_is_not_there_is_said(
    tmp_path: Path, manner: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    manner("works")
    monkeypatch.setattr(assessing, "command", lambda _: [str(tmp_path / "nothing")])
    assert "could not be started" in ended(begin(tmp_path)).words
