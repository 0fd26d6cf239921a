"""A worker that eats memory ends itself, and what is its own."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from clinical.assess import memory
from pipelines.jobs.executors import Died, executor


def eats(megabytes: int, task: int) -> int:
    return len(np.ones(megabytes * 2**17)) * task


def test_a_worker_may_add_what_the_machine_has_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "memory_here", lambda: 2**28)
    before = resource.getrlimit(resource.RLIMIT_AS)
    (found,) = executor("processes")(eats, 512, [1], 1)
    assert isinstance(found[1], Died)
    assert found[1].reason.startswith(("MemoryError in ", "_ArrayMemoryError in "))
    ((_, within),) = executor("processes")(eats, 64, [1], 1)
    assert within == 64 * 2**17
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_a_container_may_have_less_than_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stated = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "_CONTROL_GROUP", stated)
    physical = memory.memory_here()
    stated.write_text("max\n")
    assert memory.memory_here() == physical
    stated.write_text("1048576\n")
    assert memory.memory_here() == 2**20
