"""A road into the hospital's record that is open: what it is, where it begins, how it ends."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Road:
    """One way in, at work.

    Attributes:
        name: for example "DICOM".
        where: where it listens or looks.
        stop: ends it, after what it has begun.
    """

    name: str
    where: str
    stop: Callable[[], None]


class Refusals:
    """What was refused since the start, counted by reason; for all roads and their threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, reason: str) -> None:
        """Count one; the reason holds nothing of a patient, and there are few different ones."""
        with self._lock:
            self._counts[reason] += 1

    def so_far(self) -> dict[str, int]:
        """Reason to number, by reason."""
        with self._lock:
            return dict(sorted(self._counts.items()))
