"""A killed run leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from waiting import until, until_ended

PARENT = """
import multiprocessing, signal, sys
from pathlib import Path
from pipelines.jobs.workers import end_with_parent

def wait(file):
    import os
    end_with_parent()
    Path(file).write_text(str(os.getpid()))
    signal.pause()

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=wait, args=(sys.argv[1],))
    worker.start()
    worker.join()
"""


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script, file = tmp_path / "parent.py", tmp_path / "pid"
    script.write_text(PARENT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    parent = subprocess.Popen([sys.executable, str(script), str(file)], env=environment)
    worker = int(until(lambda: file.exists() and file.read_text(), "the worker's number"))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until_ended(worker)
