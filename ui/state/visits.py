"""The visits of open pages to cases, found by a random name that the page knows.

A page says that somebody is at work by a small request to a route (`ui.host.signs`), so that it
need not run for it: Streamlit sends what changed in one turn as one message and runs one part of
the page for it, and a sign of life would take the place of the click that it comes with.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple
from weakref import WeakValueDictionary

from clinical.review.times import Attention, begun, noticed

_lock = Lock()


class Owner(NamedTuple):
    """Whose reading of which case, in which workspace."""

    workspace: str
    reader: str
    case_id: str


@dataclass(eq=False)
class Visit:
    """One reading in one session of the page: where the ledger stood, and time spent.

    Attributes:
        owner: whose session it is, and what is read.
        opened_at: number of the event that recorded it.
        attention: time spent so far.
        name: random, 128 bits; known to this page alone.
    """

    owner: Owner
    opened_at: int
    attention: Attention
    name: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def sees(self, kind: Callable[[Attention, datetime], Attention]) -> None:
        """Note a sign of life; one of a request and one of a run may come at once."""
        with _lock:
            self.attention = kind(self.attention, datetime.now(UTC))


# As long as the session of the page that knows the name.
_open: WeakValueDictionary[str, Visit] = WeakValueDictionary()


def begin(owner: Owner, opened_at: int) -> Visit:
    """A case comes on the screen of a session for the first time."""
    made = Visit(owner, opened_at, begun(datetime.now(UTC)))
    with _lock:
        _open[made.name] = made
    return made


def find(name: str) -> Visit | None:
    """The visit of that name, or None once its session has ended."""
    with _lock:
        return _open.get(name)


def alive(name: str, reader: str | None) -> bool:
    """Note that keys, pointer or wheel were used; False if there is no such visit.

    Args:
        name: of the visit.
        reader: who is signed in where it is said; None where nobody signs in.
    """
    found = find(name)
    if found is None or reader not in (None, found.owner.reader):
        return False
    found.sees(noticed)
    return True
