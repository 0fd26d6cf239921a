"""Three ways to do the same tasks; none of them lets one dead worker end a run."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from types import MappingProxyType

import pytest

from clinical.errors import CohortError, ConfigError
from pipelines.jobs import executors
from pipelines.jobs.executors import EXECUTORS, Died, executor

HERE = ("serial", "processes")
PRICES: Mapping[str, int] = MappingProxyType({"apple": 2, "pear": 3})

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")


def _price() -> Callable[[Mapping[str, int], str], int]:
    """A function within another travels to Ray's workers whole; they cannot import a test."""

    def price(prices: Mapping[str, int], fruit: str) -> int:
        if fruit == "stone":
            raise ValueError("patient 007 has a stone")
        if fruit == "mould":
            raise CohortError("the fruit is bad.", remedy="throw it away")
        if fruit == "bomb":
            os.kill(os.getpid(), signal.SIGKILL)
        return prices[fruit]

    return price


price = _price()


@pytest.mark.parametrize("name", HERE)
def test_every_task_comes_back_with_its_result(name: str) -> None:
    found = dict(executor(name)(price, PRICES, ["apple", "pear"], 2))
    assert found == {"apple": 2, "pear": 3}


@pytest.mark.parametrize("name", HERE)
def test_an_unexpected_error_is_told_by_its_kind_and_line_only(name: str) -> None:
    found = dict(executor(name)(price, PRICES, ["stone", "pear"], 1))
    died = found["stone"]
    assert isinstance(died, Died)
    assert died.reason.startswith("ValueError in test_executors.py, line ")
    assert "007" not in died.reason
    assert found["pear"] == 3


@pytest.mark.parametrize("name", HERE)
def test_an_error_that_a_user_can_act_on_ends_the_run(name: str) -> None:
    with pytest.raises(CohortError, match="throw it away"):
        dict(executor(name)(price, PRICES, ["mould"], 2))


def test_a_killed_process_is_a_value() -> None:
    found = dict(executor("processes")(price, PRICES, ["bomb", "apple", "pear"], 2))
    assert found == {"bomb": Died("ended by SIGKILL"), "apple": 2, "pear": 3}


def test_a_function_made_on_the_spot_can_be_forked() -> None:
    made = [2, 3]
    found = dict(executor("processes")(lambda shared, task: shared * made[task], 10, [0, 1], 2))
    assert found == {0: 20, 1: 30}


def test_an_unknown_executor_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'ray'"):
        executor("rya")
    assert sorted(EXECUTORS) == ["processes", "ray", "serial"]


def test_without_ray_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install \"triptych\[ray\]\""):
        dict(executor("ray")(price, PRICES, ["apple"], 1))


@needs_ray
@pytest.mark.server
def test_ray_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    # Its workers are nice, and would wait for everything else that the machine does.
    monkeypatch.setenv("RAY_worker_niceness", "0")
    try:
        found = dict(executor("ray")(price, PRICES, ["bomb", "stone", "apple", "pear"], 2))
    finally:
        ray.shutdown()
    assert found["bomb"] == Died("ended by WorkerCrashedError")
    assert isinstance(found["stone"], Died)
    assert found["stone"].reason.startswith("ValueError in test_executors.py, line ")
    assert (found["apple"], found["pear"]) == (2, 3)
