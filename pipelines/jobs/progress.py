"""One progress bar for every long job: description, bar, rate and time left, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

console = Console(stderr=True, markup=False, highlight=False)


def bar() -> Progress:
    """A progress display; use it as a context manager and add tasks to it."""
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


def track(items: Iterable[T], description: str, total: int) -> Iterator[T]:
    """Yield `items` while a bar advances."""
    with bar() as progress:
        task = progress.add_task(description, total=total, note="")
        for item in items:
            yield item
            progress.advance(task)


def steps(display: Progress) -> Callable[[str, int, int], None]:
    """To be told what is done, how far, and out of how many: a bar for each kind of work."""
    tasks = {}

    def advance(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = display.add_task(what, total=total, note="")
        display.update(tasks[what], completed=done, total=total)

    return advance
