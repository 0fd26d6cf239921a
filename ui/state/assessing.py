"""Cases that were added on the page and are assessed now, each in a process of its own.

The process is `clinical.assess.added`; the page never loads torch. One works at a time and others
wait: a model is large. A process that is killed, takes too long or runs out of memory leaves a
sentence; the case is saved by then, and can be read without suggestions or assessed again.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from clinical.workspace.place import Place, named

LIMIT_SECONDS = 900.0
AT_ONCE = 1
MOST_KEPT = 200  # jobs that are remembered
ROOT = Path(__file__).parents[2]

State = Literal["working", "done", "failed"]
STEPS = {
    "waiting": "Waiting for another case to be assessed",
    "starting": "Starting the model",
    "model": "Loading the model",
    "assessing": "Assessing the case",
    "recording": "Recording the assessment",
}


@dataclass(eq=False)
class Job:
    """One assessment.

    Attributes:
        name: random, 128 bits.
        owner: workspace and reader who added the case.
        case_id: what is assessed.
        checkpoints: of the models that are asked, in their order.
        wanted: what the process is told.
        step: how far it has come; a key of `STEPS`.
        state: whether it works, is done, or has failed.
        problem, remedy: why it failed, and what to do.
        tries: how often it was begun.
        process: while it runs.
        stopped: the server stops; it is not begun any more.
    """

    name: str
    owner: tuple[str, str]
    case_id: str
    checkpoints: Sequence[Path]
    wanted: Mapping[str, str]
    step: str = "waiting"
    state: State = "working"
    problem: str = ""
    remedy: str = ""
    tries: int = 1
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    stopped: bool = False

    @property
    def words(self) -> str:
        """What the page says of it."""
        if self.state == "done":
            return "Assessed"
        if self.state == "failed":
            return f"Saved, but not assessed. {self.problem} {self.remedy}".strip()
        return f"{STEPS[self.step]} …"


_jobs: dict[str, Job] = {}
_lock = threading.Lock()
_turn = threading.Semaphore(AT_ONCE)
_taken: list[float] = []  # seconds of every assessment that was done


def begin(
    place: Place,
    reader: str,
    case_id: str,
    versions: Mapping[str, str],
    checkpoints: Sequence[Path],
) -> Job:
    """Have a case assessed.

    Args:
        place: the workspace.
        reader: who added the case.
        case_id: the case.
        versions: "input" and "record", the digests of the version that is meant.
        checkpoints: folders of the models that are asked, in their order.
    """
    wanted = {**named(place), "case": case_id, **versions}
    job = Job(secrets.token_urlsafe(16), (str(place), reader), case_id, checkpoints, wanted)
    with _lock:
        _jobs[job.name] = job
        while len(_jobs) > MOST_KEPT:
            del _jobs[next(iter(_jobs))]
    _start(job)
    return job


def again(job: Job) -> None:
    """Try once more what failed."""
    if job.state == "failed":
        job.state, job.step, job.problem, job.remedy = "working", "waiting", "", ""
        job.tries += 1
        _start(job)


def find(name: str, reader: str | None) -> Job | None:
    """The job of that name, of this reader; `reader` is None where nobody signs in."""
    with _lock:
        found = _jobs.get(name)
    return found if found and reader in (None, found.owner[1]) else None


def of(place: Place, reader: str) -> list[Job]:
    """The jobs of one reader, the newest first."""
    with _lock:
        return [job for job in reversed(_jobs.values()) if job.owner == (str(place), reader)]


def taken() -> tuple[int, float]:
    """How many cases were assessed since the server began, and the seconds of all of them."""
    with _lock:
        return len(_taken), sum(_taken)


def stop() -> None:
    """End what runs and forget what waits: the server stops. The cases are saved."""
    with _lock:
        jobs = list(_jobs.values())
        _jobs.clear()
    for job in jobs:  # all of them first: the end of one lets the next begin
        job.stopped = True
    for job in jobs:
        _kill_stopped(job)


def command(checkpoints: Sequence[Path]) -> list[str]:
    """How the process is started."""
    asked = [f"--checkpoint={folder}" for folder in checkpoints]
    return [sys.executable, "-m", "clinical.assess.added", *asked]


def _start(job: Job) -> None:
    threading.Thread(target=_in_turn, args=(job,), name="assessing", daemon=True).start()


def _in_turn(job: Job) -> None:
    with _turn:
        if not job.stopped:
            _run(job)


def _run(job: Job) -> None:
    job.step = "starting"
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(ROOT), inherited] if inherited else [str(ROOT)])
    try:
        process = subprocess.Popen(
            command(job.checkpoints),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
        )
    except OSError as error:
        _fail(job, f"The process could not be started ({error.strerror}).")
        return
    job.process = process
    _kill_stopped(job)  # while it was started
    late = threading.Timer(LIMIT_SECONDS, process.kill)
    late.start()
    try:
        _listen(job, process)
    finally:
        late.cancel()
        _close(process)
        job.process = None


def _kill_stopped(job: Job) -> None:
    process = job.process
    if job.stopped and process is not None:
        process.kill()


def _listen(job: Job, process: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    told: dict[str, Any] = {}
    if process.stdin is not None and process.stdout is not None:
        try:
            process.stdin.write(json.dumps(job.wanted) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                told = json.loads(line)
                job.step = told.get("step", job.step)
        except (OSError, ValueError):
            told = {}
    code = process.wait()
    if "assessed" in told:
        with _lock:
            _taken.append(time.monotonic() - began)
        job.state = "done"
    elif "error" in told:
        _fail(job, str(told["error"]), str(told.get("remedy", "")))
    else:
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        _fail(job, f"The process that assessed it has ended ({how}).")


def _fail(
    job: Job, problem: str, remedy: str = "Try again, or read it without suggestions."
) -> None:
    job.problem, job.remedy = problem, remedy[:1].upper() + remedy[1:]
    job.state = "failed"


def _close(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):  # what was not sent any more
            if pipe is not None:
                pipe.close()
