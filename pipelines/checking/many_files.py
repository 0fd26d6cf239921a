"""Many files of one kind: which are read whole, looking at each, and which are there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, Self, TypeVar

from pipelines.jobs.workers import in_order


class Listed(Protocol):
    """A file to look at, and whether it is read whole."""

    @property
    def path(self) -> Path:
        """Where it is."""

    def _replace(self, *, whole: bool) -> Self: ...


File = TypeVar("File", bound=Listed)
Found = TypeVar("Found")


def sampled(files: Sequence[File], most: int) -> list[File]:
    """The files, `most` of them, evenly spaced, to be read whole."""
    step = max(1.0, len(files) / most) if most else float("inf")
    chosen = {int(n * step) for n in range(min(most, len(files)))}
    return [one._replace(whole=at in chosen) for at, one in enumerate(files)]


def look_at(
    look: Callable[[File], Found], files: Sequence[File], jobs: int, done: Callable[[int], None]
) -> list[Found]:
    """What `look` finds in every file that is there, in so many processes; `done` counts them."""
    there = [one for one in files if one.path.is_file()]
    found = []
    for number, one in enumerate(in_order(look, there, jobs), start=1):
        found.append(one)
        done(number)
    return found


def again(digests: Sequence[str]) -> int:
    """How many are there that came before."""
    told = [digest for digest in digests if digest]
    return len(told) - len(set(told))


def apart(digests: Sequence[str], owners: Sequence[str]) -> int:
    """How many have a twin with another owner."""
    groups: dict[str, list[str]] = defaultdict(list)
    for digest, owner in zip(digests, owners, strict=True):
        if digest and owner:
            groups[digest].append(owner)
    return sum(len(told) for told in groups.values() if len(set(told)) > 1)
