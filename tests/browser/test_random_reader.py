"""Whatever a reader does, each action happens once, at once, to the case on the screen.

`make trials` runs it 20 times for 300 actions. To see one run again: TRIPTYCH_TRIAL_SEED=7, and for
a shorter one TRIPTYCH_TRIAL_ACTIONS=60.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_fixture
from page_model import Model
from playwright.sync_api import Browser
from ports import reserved_port
from random_reader import PASSWORD, READER, Reader

from clinical.access import accounts
from clinical.audit import verify
from clinical.workspace.database import open_workspace
from ui.host import launch

pytestmark = pytest.mark.browser

CASES = 8
RUNS, ACTIONS = 20, int(os.environ.get("TRIPTYCH_TRIAL_ACTIONS", "300"))
SEEDS = [int(os.environ["TRIPTYCH_TRIAL_SEED"])] if "TRIPTYCH_TRIAL_SEED" in os.environ else []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    workspace = reading_fixture.make_workspace(tmp_path / "random", cases=CASES)
    engine = open_workspace(workspace)
    accounts.add(engine, READER, "reader", PASSWORD)
    engine.dispose()
    page = launch.start(launch.Choices(workspace, port=reserved_port()))
    yield page.address, workspace
    page.stop()


def suggested() -> dict[str, list[str]]:
    """Each case of the fixture to its suggestions, without those that are withheld."""
    found = {}
    for number in range(CASES):
        case = reading_fixture.make_case(number)
        made = reading_fixture.make_assessment(case, strongest=number % 4, flagged=number == 2)
        shown = [s.diagnosis for s in made.suggestions if s.withheld_because is None]
        found[case.case_id] = shown
    return found


def run(browser: Browser, served: tuple[str, Path], seed: int, actions: int) -> None:
    """One reader; a failure names the seed and everything that was done."""
    address, workspace = served
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    engine = open_workspace(workspace)
    reader = Reader(context, address, engine, random.Random(seed), Model(suggested()))
    try:
        reader.begin()
        for _ in range(actions):
            reader.act()
    except Exception as error:
        raise AssertionError("\n".join([*reader.story, f"seed {seed}: {error}"])) from error
    finally:
        context.close()
    with engine.connect() as connection:
        assert verify.verify(connection).intact
    engine.dispose()
    times, events = sorted(reader.seconds), len(reader.model.ledger)
    print(
        f"seed {seed}: {actions} actions, {events} events, none lost, late or wrong; in the ledger"
        f" after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (slowest)"
    )


@pytest.mark.slow  # still finds a fault in some runs beside other work
def test_a_random_reader_is_heard(browser: Browser, served: tuple[str, Path]) -> None:
    run(browser, served, seed=16, actions=40)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS or range(RUNS))
def test_random_readers_are_heard(browser: Browser, served: tuple[str, Path], seed: int) -> None:
    run(browser, served, seed, ACTIONS)
