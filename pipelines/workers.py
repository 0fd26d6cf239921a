"""Worker processes that give results in order and do not outlive who started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import connection
from typing import Any, TypeVar

from clinical.errors import TriptychError

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(work: Callable[[Task], Result], tasks: Iterable[Task], jobs: int) -> Iterator[Result]:
    """Do the work in `jobs` processes and give the results in the order of the tasks.

    Only a few tasks are ahead of what was taken, so memory does not grow with their number.
    """
    if jobs == 1:
        yield from map(work, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=end_with_parent) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(work, task))
                if len(waiting) >= 4 * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def end_with_parent() -> None:
    """Let this worker end when its parent is killed; otherwise it would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def side_by_side(work: Callable[[Task], None], tasks: Sequence[Task], jobs: int) -> Iterator[Task]:
    """Do every task, at most `jobs` at a time, each in a process of its own; yield the finished.

    Processes are forked, because tasks read a whole cohort that is already in memory; what a task
    finds, it writes to disk. With one job, or where the system cannot fork, tasks are done here.

    Raises:
        TriptychError: of the first task that ends with one.
        RuntimeError: if a process ends otherwise.
    """
    if jobs <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        for task in tasks:
            work(task)
            yield task
        return
    waiting, running = list(tasks), dict[Any, tuple[Any, Task]]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.pop(0)
                receiver, process = _forked(work, task)
                running[receiver] = (process, task)
            for receiver in connection.wait(list(running)):
                process, task = running.pop(receiver)
                _settle(receiver, process)
                yield task
    finally:
        for process, _ in running.values():
            process.terminate()
            process.join()


def _forked(work: Callable[[Task], None], task: Task) -> tuple[Any, Any]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(work, task, sender), daemon=True)
    with warnings.catch_warnings():
        # Newer Pythons warn of threads that a fork does not copy; a task starts none of torch's.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _in_child(work: Callable[[Task], None], task: Task, sender: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children
    end_with_parent()
    try:
        work(task)
        sender.send(None)
    except TriptychError as error:
        sender.send(error)


def _settle(receiver: Any, process: Any) -> None:
    try:
        error = receiver.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"a worker ended with exit code {process.exitcode}") from None
    process.join()
    if error is not None:
        raise error
