"""kill -9 at random among four writers: what was acknowledged stays, once and in one chain."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from busy_writer import write
from waiting import until

from clinical.audit import heads, ledger
from clinical.audit.verify import verify
from clinical.workspace.database import open_workspace, writing
from clinical.workspace.place import Place

WRITERS = 4
FORKS = multiprocessing.get_context("forkserver")  # ready in milliseconds, without our threads
FORKS.set_forkserver_preload(["clinical.audit.ledger"])


def start(workspace: Place, acknowledged: Path, number: int) -> BaseProcess:
    actor = f"writer-{number}"
    arguments = (workspace, actor, acknowledged / actor)
    writer = FORKS.Process(target=write, args=arguments, name=actor)
    writer.start()
    return writer


def kill(writer: BaseProcess) -> None:
    assert writer.is_alive(), "a writer gave up by itself"
    writer.kill()
    writer.join()
    writer.close()


def wait_until_busy(writer: BaseProcess, acknowledged: Path) -> None:
    def busy() -> bool:
        assert writer.is_alive(), "a writer gave up by itself"
        return acknowledged.exists() and acknowledged.stat().st_size > 0

    until(busy, f"a first event of {writer.name}")


def kill_at_random(workspace: Place, acknowledged: Path, kills: int, seed: int) -> None:
    """Keep four writers busy; kill one after another and let a new one take its place."""
    rng = random.Random(seed)
    writers = [start(workspace, acknowledged, number) for number in range(WRITERS)]
    try:
        for number in range(kills):
            slot = rng.randrange(WRITERS)
            wait_until_busy(writers[slot], acknowledged / writers[slot].name)
            time.sleep(rng.uniform(0.0, 0.1))  # anywhere in what it does
            kill(writers[slot])
            writers[slot] = start(workspace, acknowledged, WRITERS + number)
        while writers:
            wait_until_busy(writers[-1], acknowledged / writers[-1].name)
            kill(writers.pop())
    finally:
        for writer in writers:  # where it failed, nobody goes on in a folder that is gone
            writer.kill()


def check_what_is_left(workspace: Place, acknowledged: Path) -> int:
    """Every acknowledged event is in the ledger, once, at the place that was acknowledged."""
    engine = open_workspace(workspace)
    with writing(engine) as connection:
        ledger.append(connection, "OPENED", actor="after", payload={})
        kept = heads.sign_now(connection)
    with engine.connect() as connection:
        verdict = verify(connection, known=kept)
        events = list(ledger.events(connection))
    engine.dispose()
    assert verdict.intact, verdict
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert len({event.previous for event in events}) == len(events), "a fork"
    written: dict[str, dict[int, int]] = {}
    for event in events[:-1]:
        numbers = written.setdefault(event.actor, {})
        assert event.payload["n"] not in numbers, "a duplicate"
        numbers[event.payload["n"]] = event.sequence
    for file in acknowledged.iterdir():
        lines = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
        mine = written.get(file.name, {})
        assert {int(number): int(sequence) for sequence, number in lines}.items() <= mine.items()
        # One commit at most can be in the ledger without having been acknowledged.
        assert sorted(mine) == list(range(len(mine)))
        assert len(mine) - len(lines) in (0, 1)
    return len(events)


def run(folder: Path, kills: int, seed: int) -> int:
    workspace, acknowledged = folder / "workspace", folder / "acknowledged"
    acknowledged.mkdir()
    open_workspace(workspace, create=True).dispose()
    kill_at_random(workspace, acknowledged, kills, seed)
    return check_what_is_left(workspace, acknowledged)


def test_a_few_killed_writers_lose_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, kills=4, seed=1) > WRITERS


@pytest.mark.slow
def test_two_hundred_killed_writers_lose_nothing(tmp_path: Path) -> None:
    events = run(tmp_path, kills=200, seed=2)
    print(f"  200 writers killed on SQLite, {events} events, none lost, no fork, no duplicate")
