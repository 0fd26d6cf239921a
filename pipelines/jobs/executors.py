"""Three ways to run independent tasks: serially, in local processes, or on a Ray cluster.

All have one signature and give results as they come, in any order. A task that ends with an error
that a user can act on ends the run with that error. One that ends otherwise, or whose worker dies,
becomes a `Died`: whoever asked decides whether the run can do without it.
"""

from __future__ import annotations

import copyreg
import gc
import multiprocessing
import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import connection
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Protocol, TypeVar

from clinical.assess.memory import bound_memory
from clinical.config import nearest
from clinical.errors import ConfigError, TriptychError
from pipelines.jobs.workers import end_with_parent

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")

OBJECT_STORE_BYTES = 200 * 2**20
"""Of a Ray that is started here; what tasks share is small, and Ray would take 30% of memory."""

CAN_FORK = "fork" in multiprocessing.get_all_start_methods()


def _read_only(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# Frozen values of this project hold read-only mappings, which do not travel by themselves.
copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))


@dataclass(frozen=True)
class Died:
    """A task without a result.

    Attributes:
        reason: how it ended; never the text of an exception, which may quote a patient's data.
    """

    reason: str


class Executor(Protocol):
    """One way to do tasks."""

    def __call__(
        self,
        work: Callable[[Shared, Task], Result],
        shared: Shared,
        tasks: Sequence[Task],
        jobs: int,
    ) -> Iterator[tuple[Task, Result | Died]]:
        """Do every task and yield each with its result, in the order in which they finish.

        Args:
            work: called with `shared` and one task. It and both travel to Ray's workers by pickle;
                a forked process has them already, whatever they are. Results always travel.
            shared: what all tasks read.
            tasks: independent of each other.
            jobs: tasks at a time.

        Raises:
            TriptychError: of the first task that ends with one.
            ConfigError: if tasks cannot be done in this way here.
        """


class _Attempt:
    """Notes how a block ended, instead of letting it end whoever runs it."""

    ended: TriptychError | Died | None = None

    def __enter__(self) -> _Attempt:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, TriptychError):
            self.ended = error
        elif isinstance(error, Exception):
            self.ended = Died(_place(error, trace))
        return self.ended is not None


def _place(error: Exception, trace: TracebackType | None) -> str:
    """Kind of an error and the line that raised it."""
    last = traceback.extract_tb(trace)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}"


def _attempt(work: Callable[[Any, Any], Any], shared: Any, task: Any) -> Any:
    """The result, or the error or `Died` that stands in its place."""
    result = None
    with _Attempt() as attempt:
        result = work(shared, task)
    return result if attempt.ended is None else attempt.ended


def _raised(found: Any) -> Any:
    if isinstance(found, TriptychError):
        raise found
    return found


def serial(
    work: Callable[[Shared, Task], Result], shared: Shared, tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result | Died]]:
    """One after another in this process, which a task that crashes takes with it."""
    del jobs
    for task in tasks:
        yield task, _raised(_attempt(work, shared, task))


def processes(
    work: Callable[[Shared, Task], Result], shared: Shared, tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result | Died]]:
    """Each in a process of its own that is forked from this one, so that `shared` is not copied."""
    if not CAN_FORK:
        raise ConfigError("This system cannot fork processes.", remedy="choose --executor serial")
    waiting, running = list(tasks), dict[Any, tuple[Any, Task]]()
    # A collection would write to the head of every object, and so copy pages that are shared.
    gc.collect()
    gc.freeze()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.pop(0)
                receiver, process = _forked(work, shared, task)
                running[receiver] = (process, task)
            for receiver in connection.wait(list(running)):
                process, task = running.pop(receiver)
                yield task, _raised(_received(receiver, process))
    finally:
        gc.unfreeze()
        for process, _ in running.values():
            process.terminate()
            process.join()


def _forked(work: Callable[[Any, Any], Any], shared: Any, task: Any) -> tuple[Any, Any]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(work, shared, task, sender), daemon=True)
    with warnings.catch_warnings():
        # Newer Pythons warn of threads that a fork does not copy; a task starts none of torch's.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _in_child(work: Callable[[Any, Any], Any], shared: Any, task: Any, sender: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children
    end_with_parent()
    bound_memory()
    sender.send(_attempt(work, shared, task))


def _received(receiver: Any, process: Any) -> Any:
    try:
        found = receiver.recv()
    except EOFError:
        process.join()
        return Died(_how_ended(process.exitcode))
    finally:
        receiver.close()
    process.join()
    return found


def _how_ended(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def ray(
    work: Callable[[Shared, Task], Result], shared: Shared, tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result | Died]]:
    """On the cluster that RAY_ADDRESS names (as Ray itself reads it), or on one started here.

    `shared` is put into Ray's object store once. On a cluster of several machines, the cohort and
    the folder for results lie where all of them find them under the same path.
    """
    if find_spec("ray") is None:
        raise ConfigError("Ray is not installed.", remedy='pip install "triptych[ray]"')
    import ray as cluster

    if not cluster.is_initialized():
        # It stays until this process ends: starting takes many times longer than most tasks.
        _join_or_start(cluster, jobs)
    # A task that died is not tried again: whoever asked decides.
    remote = cluster.remote(max_retries=0, num_cpus=1)(_attempt)
    held = cluster.put(shared)
    waiting, running = list(tasks), dict[Any, Task]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.pop(0)
                running[remote.remote(work, held, task)] = task
            for done in cluster.wait(list(running))[0]:
                yield running.pop(done), _raised(_fetched(cluster, done))
    finally:
        for done in running:
            cluster.cancel(done, force=True)


def _join_or_start(cluster: Any, jobs: int) -> None:
    if os.environ.get("RAY_ADDRESS"):
        cluster.init(log_to_driver=False)
        return
    # Ray reports its use to its makers unless told not to.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster.init(
        address="local",
        num_cpus=jobs,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=OBJECT_STORE_BYTES,
    )


def _fetched(cluster: Any, done: Any) -> Any:
    try:
        return cluster.get(done)
    except cluster.exceptions.RayTaskError:
        # A task's own errors are values by now, so this one came before it or after it.
        raise ConfigError(
            "Ray's workers cannot load the task or send its result.",
            remedy="install this version of triptych on every machine of the cluster",
        ) from None
    except cluster.exceptions.RayError as error:
        return Died(f"ended by {type(error).__name__}")


EXECUTORS: dict[str, Executor] = {"serial": serial, "processes": processes, "ray": ray}


def executor(name: str) -> Executor:
    """The executor called `name`.

    Raises:
        ConfigError: if there is none; names the nearest known one.
    """
    if name not in EXECUTORS:
        raise ConfigError(f"There is no executor {name!r}.", remedy=nearest(name, list(EXECUTORS)))
    return EXECUTORS[name]


@dataclass(frozen=True)
class Workers:
    """Who does the tasks.

    Attributes:
        executor: of EXECUTORS; empty: serial for one job, otherwise processes.
        jobs: tasks at a time.
    """

    executor: str = ""
    jobs: int = 1

    @property
    def way(self) -> Executor:
        """The executor."""
        return executor(self.executor or ("serial" if self.jobs == 1 else "processes"))

    @property
    def contained(self) -> Executor:
        """The executor for tasks that may end their process, which must not be this one.

        As `way`, but one job too has a process of its own, where the system can fork.
        """
        return self.way if self.executor or not CAN_FORK else processes

    def run(
        self, work: Callable[[Shared, Task], Result], shared: Shared, tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Result | Died]]:
        """Do every task (`Executor`)."""
        return self.way(work, shared, tasks, self.jobs)
