"""What somebody has entered of a case and not saved yet: fields in memory, files kept privately.

A draft goes by a random name, which the address of the page holds, so that a reload finds it; it
opens for the reader who began it and for nobody else. Its files lie in a folder for the owner of
the server only, which is gone when the case is saved or the draft is dropped, when its reader signs
out, after an hour in which nobody touched it, and at the latest with the server
(`clinical.workspace.scratch`).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import streamlit as st

from clinical.case.case import Case
from clinical.cohorts import entered, received
from clinical.cohorts.entered import Entered, Read
from clinical.cohorts.received import Received, Refused
from clinical.workspace import scratch
from ui.access import presence

NAME = "triptych_adding"
ADDRESS = "draft"  # in the address of the page
KEPT_SECONDS = 3600.0
READ_SECONDS = 300.0  # for which the pixels that were read stay in memory
MOST = 50  # drafts; those touched longest ago are dropped first


@dataclass(eq=False)
class Draft:
    """One case that is being entered.

    Attributes:
        name: random, 128 bits.
        owner: workspace and reader.
        place: private folder of its files and tables.
        fields: key of each field to what stands in it.
        files: that were received, in the order in which they came.
        refused: files that were not kept, with why.
        corrects: the case that is corrected, or None.
        version: record digest of the version that is corrected.
        former: that version, with its pixels.
        touched: `time.monotonic()` of the last run that used it.
    """

    name: str
    owner: tuple[str, str]
    place: Path
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[Received] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    corrects: str | None = None
    version: str = ""
    former: Case | None = None
    touched: float = field(default_factory=time.monotonic)
    _last: tuple[Entered, Read] | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    _lock: RLock = field(default_factory=RLock)

    def receive(self, uploads: Sequence[tuple[str, bytes]]) -> None:
        """Keep what can be part of a case; what was refused before is forgotten."""
        with self._lock:
            added, refused = received.receive(uploads, self.place, self.files)
            self.files += added
            self.refused = list(refused)
            self._last = None

    def remove(self, file: Received) -> None:
        """Delete one of its files."""
        with self._lock:
            received.remove(self.place, file)
            self.files = [one for one in self.files if one != file]
            self._last = None

    def read(self, what: Entered) -> Read:
        """What the reader of cohorts makes of it; read again only where something changed."""
        with self._lock:
            if self._last is None or self._last[0] != what:
                entered.write(what, self.place)
                self._last = (what, entered.read(self.place))
            return self._last[1]

    def rest(self) -> None:
        """Let go of the pixels that were read; they are read again when they are wanted."""
        self._last = None

    def close(self) -> None:
        """Delete its files."""
        self._open.close()


_NOT_IN_A_CLASS = re.compile(r"[^a-zA-Z0-9_-]")
_drafts: dict[str, Draft] = {}
_lock = RLock()


def current() -> Draft:
    """The draft of this session: begun here, or named by the address that was loaded again."""
    sweep()
    name = str(st.session_state.get(NAME) or st.query_params.get(ADDRESS) or "")
    owner = _owner()
    with _lock:
        found = _drafts.get(name)
        if found is None or found.owner != owner:
            found = _begun(owner)
        found.touched = time.monotonic()
    st.session_state[NAME] = found.name
    if st.query_params.get(ADDRESS) != found.name:
        st.query_params[ADDRESS] = found.name
    return found


def drop(draft: Draft) -> None:
    """Forget a draft: it was saved, or is not wanted any more."""
    with _lock:
        _drafts.pop(draft.name, None)
    draft.close()
    if st.session_state.get(NAME) == draft.name:
        st.session_state.pop(NAME)


def sweep() -> None:
    """Drop what nobody has touched for long."""
    now = time.monotonic()
    with _lock:
        in_order = sorted(_drafts.values(), key=lambda draft: draft.touched, reverse=True)
        over = [d for d in in_order if now - d.touched > KEPT_SECONDS] + in_order[MOST:]
        for draft in in_order:
            if now - draft.touched > READ_SECONDS:
                draft.rest()
        for draft in over:
            _drafts.pop(draft.name, None)
    for draft in over:
        draft.close()


def told(name: str, reader: str | None, fields: Mapping[str, str]) -> bool:
    """Note what stands in a field that is still being typed in; False if there is no such draft.

    Args:
        name: of the draft.
        reader: who is signed in where it is said; None where nobody signs in.
        fields: key of the field, as the class of its element has it, to what stands in it.
    """
    with _lock:
        found = _drafts.get(name)
        if found is None or reader not in (None, found.owner[1]):
            return False
        known = {_classed(key): key for key, now in found.fields.items() if isinstance(now, str)}
        found.fields |= {known[key]: text for key, text in fields.items() if key in known}
        found.touched = time.monotonic()
    return True


def sign_out() -> None:
    """Drop what this reader has not saved, and end the session."""
    owner = _owner()
    with _lock:
        own = [draft for draft in _drafts.values() if draft.owner == owner]
        for draft in own:
            _drafts.pop(draft.name, None)
    for draft in own:
        draft.close()
    presence.sign_out()


def fill(draft: Draft, defaults: Mapping[str, Any]) -> None:
    """Put into the fields what stood in them when the page was left or loaded again."""
    for key, default in defaults.items():
        if key not in st.session_state:
            st.session_state[key] = draft.fields.get(key, default)


def keep(draft: Draft, keys: Sequence[str]) -> None:
    """Note what stands in the fields now."""
    draft.fields |= {key: st.session_state[key] for key in keys if key in st.session_state}


def _classed(key: str) -> str:
    """A key as Streamlit has it in the class of an element."""
    return _NOT_IN_A_CLASS.sub("-", key.strip())


def _begun(owner: tuple[str, str]) -> Draft:
    stack = ExitStack()
    place = stack.enter_context(scratch.folder())
    made = Draft(secrets.token_urlsafe(16), owner, place, _open=stack)
    _drafts[made.name] = made
    return made


def _owner() -> tuple[str, str]:
    return str(presence.workspace()), presence.reader()
