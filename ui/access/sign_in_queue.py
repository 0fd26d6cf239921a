"""Who is hashed when, so that a flood of sign-ins does not make a lawful one wait.

A hash takes a tenth of a second of a processor and 64 MiB, on purpose. Names of accounts are hashed
apart from all others, two attempts for a name at most. Of names that no account has, one is hashed
and two wait; any other is told that it is wrong without a hash, after the time that the last one
took, since it should not tell which names there are. Used in the event loop only.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio import CapacityLimiter

Answer = TypeVar("Answer")

KNOWN_AT_ONCE = 2
UNKNOWN_AT_ONCE = 1
UNKNOWN_WAITING = 2
OF_A_NAME = 2
"""Attempts for one name that are under way at once: somebody clicks twice."""


class SignInQueue:
    """The places of one server."""

    def __init__(self) -> None:
        self._known = CapacityLimiter(KNOWN_AT_ONCE)
        self._unknown = CapacityLimiter(UNKNOWN_AT_ONCE)
        self._under_way: Counter[str] = Counter()
        self._last_took = 0.0

    async def known(
        self, name: str, hashed: Callable[[CapacityLimiter], Awaitable[Answer]]
    ) -> Answer | None:
        """Hash for the name of an account.

        Returns:
            What `hashed` gives; None where two attempts for the name are under way already.
        """
        if self._under_way[name] >= OF_A_NAME:
            return None
        self._under_way[name] += 1
        try:
            return await hashed(self._known)
        finally:
            self._under_way[name] -= 1
            self._under_way += Counter()  # forgets names at 0

    async def unknown(
        self, hashed: Callable[[CapacityLimiter], Awaitable[Answer]]
    ) -> Answer | None:
        """Hash for a name that no account has.

        Returns:
            What `hashed` gives; None, after the time of a hash, where too many are waiting.
        """
        if self._unknown.statistics().tasks_waiting >= UNKNOWN_WAITING:
            await anyio.sleep(self._last_took)
            return None
        async with self._unknown:
            begun = time.perf_counter()
            answer = await hashed(CapacityLimiter(1))
            self._last_took = time.perf_counter() - begun
        return answer
