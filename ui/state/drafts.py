"""Half-written forms, kept in memory for their reader and case until they are sent or cancelled.

A form tells the server what it holds only when it is sent. The page says it between times with a
small request (static/drafts.js, `ui.host.signs`), so that a reload, the browser's Back or a look at
another case loses nothing. A password is never told. Nothing of it is in the browser or on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from ui.state import desk, state, visits
from ui.state.desk import OpenCase
from ui.state.visits import Owner

MOST = 200  # drafts; those written longest ago are forgotten first


@dataclass(frozen=True)
class Draft:
    """A form that was begun.

    Attributes:
        task: what it is for.
        diagnosis: the suggestion that was selected, or None.
        fields: name of each field to what stands in it, as it is shown.
    """

    task: state.Task
    diagnosis: str | None
    fields: Mapping[str, str] = field(default_factory=dict)


_kept: dict[Owner, Draft] = {}
_lock = Lock()


def settle(shown: OpenCase, diagnosis: str | None) -> None:
    """Open again the form that the reader left half written, or note which one is open now.

    Args:
        shown: the case on the screen.
        diagnosis: the suggestion that is selected before; the form may bring back its own.
    """
    visit = desk.visit(shown)
    if visit is None:
        return
    if state.settled() != shown.case.case_id:
        left = find(visit.owner)
        # One that this session had open lost its fields, and may have been sent in another since.
        if left is None:
            state.cancel()
        else:
            state.resume(left.task, left.diagnosis, left.fields)
            diagnosis = left.diagnosis
        state.settle(shown.case.case_id)
    _note(visit.owner, state.pending(), diagnosis)


def find(owner: Owner) -> Draft | None:
    """What this reader left half written on this case, or None."""
    with _lock:
        return _kept.get(owner)


def told(name: str, reader: str | None, fields: Mapping[str, str]) -> bool:
    """Keep what stands in the open form of a visit, if one is; False if there is no such visit.

    Args:
        name: of the visit.
        reader: who is signed in where it is said; None where nobody signs in.
        fields: name of each field to what stands in it.
    """
    visit = visits.find(name)
    if visit is None or reader not in (None, visit.owner.reader):
        return False
    with _lock:
        before = _kept.pop(visit.owner, None)
        if before is not None:
            _kept[visit.owner] = replace(before, fields=dict(fields))
    return True


def _note(owner: Owner, task: state.Task | None, diagnosis: str | None) -> None:
    with _lock:
        before = _kept.get(owner)
        if task is None:
            _kept.pop(owner, None)
        elif before is None or (before.task, before.diagnosis) != (task, diagnosis):
            _kept[owner] = Draft(task, diagnosis)
        while len(_kept) > MOST:
            del _kept[next(iter(_kept))]
