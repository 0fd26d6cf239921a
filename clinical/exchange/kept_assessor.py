"""Models that are kept loaded beside the inbox, so that what arrives is assessed at once.

The process is `clinical.assess.added --keep`. One that is killed, runs out of memory or takes too
long is started again for the next case; the case it had stays saved, and is read without
suggestions until it is assessed. Which models are asked is looked up for each case: one that was
added or retired meanwhile is loaded, or is asked no more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from clinical.errors import ModelError
from clinical.model import installed
from clinical.workspace.place import Place, folder_of, named

LIMIT_SECONDS = 900.0
ROOT = Path(__file__).parents[2]


def command(checkpoints: Sequence[Path]) -> list[str]:
    """How the process is started."""
    asked = [f"--checkpoint={folder}" for folder in checkpoints]
    return [sys.executable, "-m", "clinical.assess.added", "--keep", *asked]


class KeptAssessor:
    """The process and the pipes to it; it is started at the first case, or by `warm`."""

    def __init__(self, place: Place, checkpoint: Path | None) -> None:
        self._place = place
        self._checkpoint = checkpoint
        self._loaded: list[Path] = []
        self._process: subprocess.Popen[str] | None = None
        self._closed = threading.Event()
        self._turn = threading.Lock()

    def warm(self) -> None:
        """Load the models now.

        Raises:
            ModelError: if one of them cannot be used, or none is installed.
        """
        with self._turn:
            self._running()

    def assess(self, case_id: str, versions: Mapping[str, str]) -> str:
        """Have a case assessed and recorded; the digest of the assessment, or "".

        "" where there was nothing to record: the case was corrected meanwhile.

        Args:
            case_id: the case.
            versions: "input" and "record", the digests of the version that is meant.

        Raises:
            ModelError: if it could not be assessed, even by a process that was just started.
        """
        wanted = {**named(self._place), "case": case_id, **versions}
        with self._turn:
            told = self._ask(wanted) or self._ask(wanted)
        if "assessed" in told:
            return str(told["assessed"])
        if "error" in told and "was corrected" in str(told["error"]):
            return ""
        raise ModelError(
            f"Case {case_id} could not be assessed:"
            f" {told.get('error', 'the process that assessed it has ended.')}",
            remedy=str(told.get("remedy", "")) or "read it without suggestions, or try again.",
        )

    def close(self) -> None:
        """End the process, for good; what it was assessing stays to be assessed."""
        self._closed.set()
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _running(self) -> subprocess.Popen[str]:
        asked = self._asked()
        if self._process is not None and self._process.poll() is None and asked == self._loaded:
            return self._process
        self._end()
        if self._closed.is_set():
            raise _closed()
        inherited = os.environ.get("PYTHONPATH")
        path = os.pathsep.join([str(ROOT), inherited] if inherited else [str(ROOT)])
        self._process = process = subprocess.Popen(
            command(asked),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": path},
        )
        if self._closed.is_set():  # meanwhile, by somebody who found no process to end
            self._end()
            raise _closed()
        told = self._heard(process)
        if told.get("step") != "ready":
            self._end()
            raise ModelError(
                str(told.get("error", "The process that assesses cases did not start.")),
                remedy=str(told.get("remedy", "look at what it wrote to the log.")),
            )
        self._loaded = asked
        return process

    def _asked(self) -> list[Path]:
        """The checkpoints that a case is put to now: the one that was named, or all installed."""
        if self._checkpoint is not None:
            return [self._checkpoint]
        asked = [one.folder for one in installed.asked(folder_of(self._place))]
        if not asked:
            raise ModelError("No model is installed.", remedy="add one with `triptych models add`.")
        return asked

    def _ask(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The last word on one case; nothing where the process ended before."""
        process = self._running()
        late = threading.Timer(LIMIT_SECONDS, process.kill)
        late.start()
        try:
            if process.stdin is not None:
                process.stdin.write(json.dumps(wanted) + "\n")
                process.stdin.flush()
            while (told := self._heard(process)) and "step" in told:
                pass
        except (OSError, ValueError):  # ValueError: closed under it by `close`
            told = {}
        finally:
            late.cancel()
        if not told:
            self._end()  # it may not be gone yet, though it says nothing any more
        return told

    @staticmethod
    def _heard(process: subprocess.Popen[str]) -> dict[str, Any]:
        try:
            line = process.stdout.readline() if process.stdout is not None else ""
            return dict(json.loads(line)) if line else {}
        except ValueError:  # no JSON, or closed under it by `close`
            return {}


def _closed() -> ModelError:
    return ModelError("No case is assessed any more.", remedy="start again.")
