"""Waiting for a state, never for a time.

How long a test waits before it gives up says nothing about the program, only about the machine:
the deadline is so far away that it is met on any machine that works at all. Where it is not, set
the environment variable TRIPTYCH_TEST_PATIENCE to a factor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

SECONDS = 300.0 * float(os.environ.get("TRIPTYCH_TEST_PATIENCE", "1"))
"""After which a state that has not come is taken for one that never will."""
LOOK_SECONDS = 0.01  # between two looks


def until(state: Callable[[], Found], what: str) -> Found:
    """Look again and again until `state` gives something true, and return that.

    Raises:
        AssertionError: if it has not come by the deadline; `what` says what it is.
    """
    deadline = time.monotonic() + SECONDS
    while not (found := state()):
        assert time.monotonic() < deadline, f"after {SECONDS:.0f} s still not: {what}"
        time.sleep(LOOK_SECONDS)
    return found


def until_ended(pid: int) -> None:
    """Wait until a process is gone, or waits only for its parent to notice that it has ended."""
    until(lambda: _ended(pid), f"the end of process {pid}")


def _ended(pid: int) -> bool:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return told.rsplit(")", 1)[1].split()[0] in ("Z", "X")
