"""How long a name must wait after failed sign-ins, so that guessing is slow.

In memory and bounded: the names that failed longest ago are forgotten first. Names of accounts are
remembered apart, so that made-up ones cannot push them out. Names are kept as digests, because what
is typed into the field of a name is sometimes a password.
"""

from __future__ import annotations

import hashlib
import time
from threading import Lock
from typing import NamedTuple

FREE = 2  # failures that cost nothing but the time of the hash: everybody mistypes
LONGEST = 60.0  # seconds; somebody else's guessing must not keep the owner out for long
REMEMBERED = 1000  # names of each kind


class _Failures(NamedTuple):
    times: int
    until: float


_failed: dict[str, _Failures] = {}
_unknown: dict[str, _Failures] = {}
_lock = Lock()


def wait(name: str) -> float:
    """Seconds until `name` may try again; 0 if it may now."""
    with _lock:
        found = _failed.get(_key(name)) or _unknown.get(_key(name))
    return max(0.0, found.until - time.monotonic()) if found else 0.0


def failed(name: str, *, known: bool = True) -> None:
    """Note a failed sign-in: from the third on the wait doubles each time, up to a minute.

    Args:
        name: that was given.
        known: whether an account has it.
    """
    kept = _failed if known else _unknown
    with _lock:
        count = kept.pop(_key(name), _Failures(0, 0.0)).times + 1
        pause = min(LONGEST, 2.0 ** min(count - FREE, 10)) if count > FREE else 0.0
        kept[_key(name)] = _Failures(count, time.monotonic() + pause)
        if len(kept) > REMEMBERED:
            del kept[next(iter(kept))]


def succeeded(name: str) -> None:
    """Forget the failures of `name`."""
    with _lock:
        _failed.pop(_key(name), None)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
