"""How long a name must wait after failed sign-ins, so that guessing is slow.

In memory and bounded: the names that failed longest ago are forgotten first. Names are kept as
digests, because what is typed into the field of a name is sometimes a password.
"""

from __future__ import annotations

import hashlib
import time
from threading import Lock
from typing import NamedTuple

FREE = 2  # failures that cost nothing but the time of the hash: everybody mistypes
LONGEST = 60.0  # seconds; somebody else's guessing must not keep the owner out for long
REMEMBERED = 1000  # names


class _Failures(NamedTuple):
    times: int
    until: float


_failed: dict[str, _Failures] = {}
_lock = Lock()


def wait(name: str) -> float:
    """Seconds until `name` may try again; 0 if it may now."""
    with _lock:
        found = _failed.get(_key(name))
    return max(0.0, found.until - time.monotonic()) if found else 0.0


def failed(name: str) -> None:
    """Note a failed sign-in: from the third on the wait doubles each time, up to a minute."""
    with _lock:
        count = _failed.pop(_key(name), _Failures(0, 0.0)).times + 1
        pause = min(LONGEST, 2.0 ** min(count - FREE, 10)) if count > FREE else 0.0
        _failed[_key(name)] = _Failures(count, time.monotonic() + pause)
        if len(_failed) > REMEMBERED:
            del _failed[next(iter(_failed))]


def succeeded(name: str) -> None:
    """Forget the failures of `name`."""
    with _lock:
        _failed.pop(_key(name), None)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
