"""Refusals that cost nobody a password: recorded once a minute with a count, so that a flood of
them cannot fill the ledger.

The first of a kind is an event at once. Those that follow within a minute are counted in memory
and become one event, with `times`, when the minute is over or the server ends; so do those of each
further minute. A server that is killed loses the count of its last minute, and nothing else.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import Literal, NamedTuple

from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.errors import StoreError
from clinical.workspace.database import writing

What = Literal["sign_in", "request"]
Why = Literal["unknown", "unverified", "origin"]

WINDOW = 60.0  # seconds


class _Kind(NamedTuple):
    engine: Engine
    actor: str
    what: What
    why: Why


class _Window(NamedTuple):
    until: float
    times: int


_open: dict[_Kind, _Window] = {}
_lock = Lock()


def note(engine: Engine, actor: str, what: What, why: Why) -> None:
    """Record a refusal, or count it where one like it was recorded within the last minute.

    Args:
        engine: the workspace.
        actor: an account name, or "unknown name": never what was typed. One of few, since each has
            events of its own.
        what: what was refused.
        why: for what reason.
    """
    settle(engine)
    kind = _Kind(engine, actor, what, why)
    with _lock:
        window = _open.get(kind)
        if window is not None:
            _open[kind] = window._replace(times=window.times + 1)
            return
        _open[kind] = _Window(time.monotonic() + WINDOW, 0)
    _record(engine, {kind: 1})


def settle(engine: Engine, *, all_of_them: bool = False) -> None:
    """Record what was counted in minutes that are over.

    Args:
        engine: of this workspace.
        all_of_them: in those that are not over, too: the server ends.

    Raises:
        StoreError: if it cannot be recorded; nothing is lost then, and the next call tries again.
    """
    with _lock:
        now = time.monotonic()
        over = {
            kind: _open.pop(kind)
            for kind, window in list(_open.items())
            if kind.engine is engine and (all_of_them or window.until <= now)
        }
        counted = {kind: window.times for kind, window in over.items() if window.times}
        if not all_of_them:  # it may go on: the next minute is counted from the start
            _open.update(dict.fromkeys(counted, _Window(now + WINDOW, 0)))
    _record(engine, counted)


def _record(engine: Engine, counted: dict[_Kind, int]) -> None:
    if not counted:
        return
    try:
        with writing(engine) as connection:
            for kind, times in counted.items():
                payload = {"what": kind.what, "why": kind.why}
                more = {"times": times} if times > 1 else {}
                ledger.append(connection, "REFUSED", actor=kind.actor, payload=payload | more)
    except StoreError:
        with _lock:
            for kind, times in counted.items():
                window = _open.get(kind, _Window(time.monotonic() + WINDOW, 0))
                _open[kind] = window._replace(times=window.times + times)
        raise
