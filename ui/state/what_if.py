"""Session state of what-if, and the process beside the page that answers it.

The page never loads torch. `clinical.assess.what_if` runs as a process of its own, with the model
loaded once and shared by all sessions, one question after another; it is started when a case that
the model assessed is first on a screen, started again if it died, and ended if it takes longer than
the limit.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import streamlit as st

from clinical.assess import hypothetical
from clinical.assess.hypothetical import Change
from clinical.case import assessment as assessments
from clinical.case.assessment import Assessment
from clinical.errors import ModelError, TriptychError
from clinical.model.card import Card
from clinical.workspace.place import named
from ui.state import models, state

FOUND = "triptych_hypothesis"
LOADING_SECONDS = 120.0
ANSWER_SECONDS = 60.0
KEPT = 2
"""Models that are kept loaded, half a gigabyte each; cases of more than two take turns."""
ROOT = Path(__file__).parents[2]


@dataclass
class Hypothesis:
    """A question of this session; it stays one until it is answered, whatever runs meanwhile.

    Attributes:
        base: digest of the assessment it was asked about.
        change: what was asked.
        assessment: what the model made of the changed case, of no other use than to be shown;
            None until it has answered.
        refused: why it did not answer, or None.
    """

    base: str
    change: Change
    assessment: Assessment | None = None
    refused: TriptychError | None = None


@dataclass(frozen=True)
class Answering:
    """A running `clinical.assess.what_if`.

    Attributes:
        process: with text pipes.
        lines: what it said, line by line; None when it has ended.
        lock: one question at a time.
        ready: set once the model is loaded.
    """

    process: subprocess.Popen[str]
    lines: queue.Queue[str | None] = field(default_factory=queue.Queue)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ready: threading.Event = field(default_factory=threading.Event)


def refusal(assessment: Assessment) -> str | None:
    """Why nothing can be asked about this assessment, or None."""
    if _card(assessment) is not None:
        return None
    if not models.known():
        return "No model is installed, so what-if is not available."
    return (
        f"The model that assessed this case ({assessment.model.name}) is not installed, and"
        " a different model would answer a different question."
    )


def wake(assessment: Assessment) -> None:
    """Start loading the model now, so that the first question need not wait for it.

    One that could not be loaded, or has died, is tried again when somebody asks.
    """
    found = _card(assessment)
    if found is not None and found.digest not in _loaded:
        _running(found)


def ask(shown: state.Reading, change: Change) -> None:
    """Ask; the next run of the page has it answered by `answer`."""
    st.session_state[FOUND] = Hypothesis(shown.digest, change)


def asked(shown: state.Reading) -> Hypothesis | None:
    """The last question about the assessment on the screen, or None."""
    found = st.session_state.get(FOUND)
    return found if isinstance(found, Hypothesis) and found.base == shown.digest else None


def answer(shown: state.Reading, question: Hypothesis) -> None:
    """Have the model answer, and record that it was asked; or note why it does not answer."""
    engine, reader = state.engine(), state.reader()
    try:
        found = _answered(shown, question.change)
        hypothetical.record(engine, shown.case, shown.digest, question.change, found, reader)
    except TriptychError as error:
        question.refused = error
    else:
        question.assessment = found


def _answered(shown: state.Reading, change: Change) -> Assessment:
    hypothetical.changed(shown.case, change)
    found = _card(shown.assessment)
    if found is None:
        raise ModelError(
            refusal(shown.assessment) or "", remedy="install the model, or assess the case again"
        )
    question = {
        **named(state.workspace()),
        "assessment": shown.digest,
        "change": hypothetical.as_json(change),
    }
    return _ask(found, question)


def forget() -> None:
    """Go back to what was assessed."""
    st.session_state.pop(FOUND, None)


def command(checkpoint: Path) -> list[str]:
    """How the answering process is started."""
    return [sys.executable, "-m", "clinical.assess.what_if", "--checkpoint", str(checkpoint)]


def end(running: Answering) -> None:
    """End the process and wait for it."""
    running.process.kill()
    running.process.wait()
    with suppress(OSError):  # what was not sent any more
        _pipe(running.process.stdin).close()


def _card(assessment: Assessment) -> Card | None:
    return next((one for one in models.known() if one.digest == assessment.model.digest), None)


def _ask(found: Card, question: Mapping[str, Any]) -> Assessment:
    running = _running(found)
    with running.lock:
        if not running.ready.is_set():
            said = _heard(running, LOADING_SECONDS)
            if said.get("ready") != found.digest:
                end(running)
                raise ModelError("Another model was loaded.", remedy="restart the page")
            running.ready.set()
        pipe = _pipe(running.process.stdin)
        try:
            pipe.write(json.dumps(question) + "\n")
            pipe.flush()
        except OSError:
            raise _ended(running) from None
        return assessments.from_json(_heard(running, ANSWER_SECONDS)["assessment"])


def _heard(running: Answering, seconds: float) -> Mapping[str, Any]:
    try:
        line = running.lines.get(timeout=seconds)
    except queue.Empty:
        end(running)
        raise ModelError(
            f"The model did not answer within {seconds:.0f} seconds.", remedy="ask again"
        ) from None
    if line is None:
        raise _ended(running)
    said: Mapping[str, Any] = json.loads(line)
    if "error" in said:
        raise ModelError(str(said["error"]), remedy=str(said.get("remedy", "")))
    return said


def _ended(running: Answering) -> ModelError:
    end(running)
    return ModelError(
        "The process that answers has ended.", remedy="ask again; it will be restarted"
    )


_turn = threading.Lock()
_loaded: dict[str, Answering] = {}  # by the digest of its model, the one asked last at the end


def _running(found: Card) -> Answering:
    with _turn:
        running = _loaded.pop(found.digest, None)
        if running is not None and running.process.poll() is not None:
            end(running)
            running = None
        _loaded[found.digest] = running = running or _started(found.folder)
        others = [name for name, one in _loaded.items() if one is not running]
        idle = [name for name in others if not _loaded[name].lock.locked()]
        for name in idle[: max(0, len(_loaded) - KEPT)]:
            end(_loaded.pop(name))
        return running


def _started(checkpoint: Path) -> Answering:
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(ROOT), inherited] if inherited else [str(ROOT)])
    process = subprocess.Popen(
        command(checkpoint),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
    )
    running = Answering(process)
    threading.Thread(target=_listen, args=(running,), daemon=True).start()
    return running


def _listen(running: Answering) -> None:
    for line in _lines(_pipe(running.process.stdout)):
        running.lines.put(line)
    running.lines.put(None)


def _lines(pipe: IO[str]) -> Iterator[str]:
    with pipe:
        yield from pipe


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise ModelError("The process that answers has no pipe.", remedy="restart the page")
    return pipe
