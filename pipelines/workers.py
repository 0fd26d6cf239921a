"""Worker processes that do not outlive the process that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from typing import Any, TypeVar

from clinical.errors import TriptychError

T = TypeVar("T")


def end_with_parent() -> None:
    """Let this worker end when its parent is killed; otherwise it would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_and_end, args=(parent.sentinel,), daemon=True).start()


def _wait_and_end(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def side_by_side(work: Callable[[T], None], tasks: Sequence[T], jobs: int) -> Iterator[T]:
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
    waiting, running = list(tasks), dict[Any, tuple[Any, T]]()
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


def _forked(work: Callable[[T], None], task: T) -> tuple[Any, Any]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_in_child, args=(work, task, sender), daemon=True)
    with warnings.catch_warnings():
        # Newer Pythons warn of threads that a fork does not copy; a task starts none of torch's.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    sender.close()
    return receiver, process


def _in_child(work: Callable[[T], None], task: T, sender: Any) -> None:
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
