"""What is half written, kept in memory for its reader and case until it is sent or cancelled.

A form tells the server what it holds only when it is sent, and a field only when it is left. The
page says it between times with a small request (static/drafts.js, `ui.host.signs`), so that a
reload, the browser's Back or a look at another case loses nothing. A password is never told.
Nothing of it is in the browser or on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import streamlit as st

from ui.state import desk, state, visits
from ui.state.desk import OpenCase
from ui.state.visits import Owner

MOST = 200  # drafts; those written longest ago are forgotten first
NOTE, ADJUDICATION, CODE = "note", "adjudicate-comment", "first-read-code"
ANSWERS = ("first-read-", "word-")
"""What the keys of choices begin with that are no form: a first read, an adjudication."""


@dataclass(frozen=True)
class Draft:
    """What was begun on a case.

    Attributes:
        task: what the open form is for, or None where none is.
        diagnosis: the suggestion that was selected, or None.
        fields: name of each field of the form to what stands in it, as it is shown.
        beside: name of each field beside the form (`NOTE`, ...) to what stands in it.
        answers: key of each choice that is no form to what was chosen.
        marks: name of each image that was shown to what is marked on it, as the browser told it.
        of: the assessment that was on the screen.
        done: name of each field beside the form to what was recorded of it last: what the page told
            before that may come after it.
    """

    task: state.Task | None
    diagnosis: str | None
    fields: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""
    done: Mapping[str, str] = field(default_factory=dict)


_kept: dict[Owner, Draft] = {}
_lock = Lock()


def settle(shown: OpenCase, diagnosis: str | None) -> None:
    """Bring back what the reader left half written, or note what is open now.

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
        if left is None or left.task is None:
            state.cancel()
        else:
            state.resume(left.task, left.diagnosis, left.fields)
            diagnosis = left.diagnosis
        state.bring_back(left.beside if left else {})
        st.session_state.update(left.answers if left and left.of == shown.digest else {})
        state.settle(shown.case.case_id)
    answers = {
        str(key): value
        for key, value in st.session_state.items()
        if value and str(key).startswith(tuple(f"{s}{shown.case.case_id}" for s in ANSWERS))
    }
    _note(visit.owner, state.pending(), diagnosis, answers, shown.digest)


def fill(name: str, key: str) -> None:
    """Put into a field beside the form what its reader left in it.

    Args:
        name: of the field (`NOTE`, ...).
        key: of the field on the page.
    """
    left = state.left_beside(name)
    if left is not None:
        st.session_state[key] = left


def find(owner: Owner) -> Draft | None:
    """What this reader left half written on this case, or None."""
    with _lock:
        return _kept.get(owner)


def told(
    name: str,
    reader: str | None,
    fields: Mapping[str, str],
    beside: Mapping[str, str],
    marks: object = None,
) -> bool:
    """Keep what stands in the open form of a visit, and beside it; False if there is no such visit.

    Args:
        name: of the visit.
        reader: who is signed in where it is said; None where nobody signs in.
        fields: name of each field of the form to what stands in it.
        beside: the same of the fields beside it.
        marks: what is marked, where that was told; whoever uses it has to check it.
    """
    visit = visits.find(name)
    if visit is None or reader not in (None, visit.owner.reader):
        return False
    with _lock:
        before = _kept.get(visit.owner, Draft(None, None))
        open_form = fields if before.task is not None else {}
        new = {key: text for key, text in beside.items() if before.done.get(key) != text}
        now = replace(before, fields=dict(open_form), beside=new)
        _put(visit.owner, replace(now, marks=marks) if isinstance(marks, dict) else now)
    return True


def sent(shown: OpenCase, name: str, text: str) -> None:
    """What stood in a field beside the form is recorded; it is not half written any more."""
    visit = desk.visit(shown)
    if visit is None:
        return
    with _lock:
        before = _kept.get(visit.owner, Draft(None, None))
        beside = {key: words for key, words in before.beside.items() if key != name}
        _put(visit.owner, replace(before, beside=beside, done={**before.done, name: text}))


def _note(
    owner: Owner,
    task: state.Task | None,
    diagnosis: str | None,
    answers: Mapping[str, Any] | None = None,
    digest: str = "",
) -> None:
    with _lock:
        before = _kept.get(owner, Draft(None, None))
        now = replace(before, answers=dict(answers or {}), of=digest)
        if task is None:
            now = replace(now, task=None, diagnosis=None, fields={})
        elif (before.task, before.diagnosis) != (task, diagnosis):
            now = replace(now, task=task, diagnosis=diagnosis, fields={})
        if now != before:
            _put(owner, now)


def _put(owner: Owner, draft: Draft) -> None:
    """The last that was written stands last; `_lock` is held."""
    _kept.pop(owner, None)
    if any((draft.task, draft.beside, draft.answers, draft.marks, draft.done)):
        _kept[owner] = draft
    while len(_kept) > MOST:
        del _kept[next(iter(_kept))]
