"""Temporary places that hold patient data, and what is left of them where a process was killed.

Each is locked by the process that uses it, for as long as it lives; the lock ends with the process,
however that ends. Whoever comes next removes what nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clinical.workspace import own_file

PREFIX = "triptych-"
PART = ".export-"  # a file that is being written, beside where it will be
LOCK = ".lock"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for the length of the block, for its owner only.

    Raises:
        StoreError: if there is no room for what the block writes into it.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        place = Path(name)
        # Locked under another name first: one that is named `LOCK` and is free is left over.
        with (place / ".locking").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (place / ".locking").rename(place / LOCK)
            with own_file.named(place):
                yield place


@contextmanager
def part(beside: Path) -> Iterator[Path]:
    """A file in the folder of `beside`, gone after the block unless it was renamed.

    Raises:
        OSError: if it cannot be made.
        StoreError: if there is no room for it.
    """
    sweep_parts(beside.parent)
    with tempfile.NamedTemporaryFile(prefix=PART, dir=beside.parent, delete=False) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            with own_file.named(beside):
                yield Path(file.name)
        finally:
            Path(file.name).unlink(missing_ok=True)


def sweep() -> None:
    """Remove the temporary folders of processes of this user that are no more."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if not place.is_symlink() and place.stat().st_uid == os.getuid():
                _remove(place, place / LOCK)


def sweep_parts(place: Path) -> None:
    """Remove the unfinished exports in a folder of processes that are no more."""
    for file in place.glob(f"{PART}*"):
        with suppress(OSError):
            _remove(file, file)


def _remove(place: Path, lock: Path) -> None:
    """Remove a file or folder, unless its lock is held, or it is not yet locked."""
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if place.is_dir():
            shutil.rmtree(place)
        elif place.stat().st_size:
            place.unlink()
