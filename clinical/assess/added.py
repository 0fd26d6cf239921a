"""A process that assesses one case of a workspace, beside the page, and tells how far it has come.

The page never loads torch, and stays responsive while this works. What it knows comes as one JSON
line on its standard input: {"workspace", "case", "input", "record"}, with "keys" where the
workspace is on a server (`clinical.workspace.place.named`). It says one JSON line at each step:
{"step": name}, at the end {"assessed": digest}, or {"error", "remedy"}. It ends with whoever
started it, and may take as much memory as the machine has and no more.

Several checkpoints are asked in the order given (`clinical.assess.asking`).

With --keep it loads the models at once, says {"step": "ready"}, and goes on with the next line
until there is none: what arrives from a hospital does not wait for a model to be loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TextIO

from clinical.assess.asking import ask
from clinical.assess.assess import Assessor, load_assessor
from clinical.assess.memory import bound_memory
from clinical.audit import heads
from clinical.errors import ReviewError, TriptychError
from clinical.review import intake
from clinical.workspace import store
from clinical.workspace.database import open_workspace, opened, writing
from clinical.workspace.place import from_names

Step = Literal["model", "ready", "assessing", "recording"]
ACTOR = "system"


def assess(
    load: Callable[[], Sequence[Assessor]], wanted: Mapping[str, Any], tell: Callable[[Step], None]
) -> str:
    """Assess the case that is named and record it; returns the digest of the assessment that
    readers begin with.

    Raises:
        ModelError: if the checkpoint cannot be used.
        ReviewError: if the case was corrected meanwhile.
        StoreError: if the workspace does not hold the case.
    """
    tell("model")
    assessors = load()
    tell("assessing")
    place = from_names(wanted)
    with opened(place) as engine, engine.connect() as connection:
        case = store.get_case(connection, wanted["case"], input_digest=wanted["input"])
    made = ask(assessors, case)
    tell("recording")
    engine = open_workspace(place)
    with writing(engine) as connection:
        if store.record_of(connection, case.case_id) != wanted["record"]:
            raise ReviewError(
                f"Case {case.case_id} was corrected while it was assessed.",
                remedy="nothing; its new version is assessed by itself.",
            )
        intake.record_assessments(connection, case, made, ACTOR)
        kept = store.require_assessment(connection, case.case_id)[0]
    heads.seal(engine)
    engine.dispose()
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the process."""
    parser = argparse.ArgumentParser(prog="clinical.assess.added", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, action="append", required=True)
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args(arguments)
    bound_memory()
    answers = sys.stdout
    load = cache(partial(_loaded, chosen.checkpoint))
    # Whatever a library prints must not come between the answers.
    with redirect_stdout(sys.stderr):
        if not chosen.keep:
            wanted = json.loads(sys.stdin.readline())
            threading.Thread(target=_end_with, args=(sys.stdin,), daemon=True).start()
            return _answer(answers, load, wanted)
        code = _ready(answers, load)
        while not code and (line := sys.stdin.readline()):
            _answer(answers, load, json.loads(line))
    return code


def _loaded(checkpoints: Sequence[Path]) -> list[Assessor]:
    return [load_assessor(folder) for folder in checkpoints]


def _ready(answers: TextIO, load: Callable[[], Sequence[Assessor]]) -> int:
    try:
        for assessor in load():
            assessor.warm()
    except TriptychError as error:
        _say(answers, {"error": error.message, "remedy": error.remedy})
        return 2
    _say(answers, {"step": "ready"})
    return 0


def _answer(
    answers: TextIO, load: Callable[[], Sequence[Assessor]], wanted: Mapping[str, Any]
) -> int:
    """Assess one case and say how it went; returns the exit code of a process that does no more."""
    try:
        digest = assess(load, wanted, lambda step: _say(answers, {"step": step}))
    except TriptychError as error:
        _say(answers, {"error": error.message, "remedy": error.remedy})
        return 2
    except MemoryError:
        remedy = "assess it on a machine with more memory, or read it without suggestions"
        _say(answers, {"error": "The machine has too little memory.", "remedy": remedy})
        return 2
    _say(answers, {"assessed": digest})
    return 0


def _end_with(questions: TextIO) -> None:
    """End when whoever asked closes the pipe or is gone; nobody would hear the answer."""
    questions.read()
    os._exit(1)


def _say(answers: TextIO, words: Mapping[str, Any]) -> None:
    try:
        answers.write(json.dumps(words) + "\n")
        answers.flush()
    except BrokenPipeError:
        os._exit(1)  # as above


if __name__ == "__main__":
    sys.exit(main())
