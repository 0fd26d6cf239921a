"""Which models are here, and which assessed the cases of the workspace, by the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from clinical.audit import ledger
from clinical.model import card, installed
from clinical.model.card import Card
from clinical.workspace.place import Place, folder_of
from ui.state import state


@dataclass(frozen=True)
class Named:
    """One model that ASSESSED events name.

    Attributes:
        name, digest, configuration: its identity.
        assessments: events that name it.
    """

    name: str
    digest: str
    configuration: str
    assessments: int


@dataclass(frozen=True)
class Here:
    """Models of this machine.

    Attributes:
        asked: those that are asked about a new case, in their order.
        known: those and all others; what-if answers for their assessments.
    """

    asked: tuple[Card, ...]
    known: tuple[Card, ...]


def asked() -> tuple[Card, ...]:
    """The models that are asked about a new case, in their order; none where none is installed.

    The one that the page was started with is asked alone.
    """
    return _here().asked


def known() -> tuple[Card, ...]:
    """All models that are here: the one that the page was started with first."""
    return _here().known


def _here() -> Here:
    folder, own = folder_of(state.workspace()), st.secrets.get("model")
    return _read(folder, Path(own) if own else None, installed.stamp(folder))


@st.cache_resource(show_spinner=False, max_entries=4)
def _read(folder: Path, own: Path | None, stamp: tuple[str, ...]) -> Here:  # noqa: ARG001  (key)
    others = installed.known(folder)
    if own is None:
        return Here(tuple(installed.asked(folder)), tuple(others))
    alone = card.read(own)
    return Here((alone,), (alone, *(one for one in others if one.digest != alone.digest)))


def named() -> tuple[Named, ...]:
    """Every model that assessed something in this workspace, the busiest first."""
    with state.engine().connect() as connection:
        head = ledger.head(connection)
    return _named(state.workspace(), head.hash)


@st.cache_resource(show_spinner=False, max_entries=2)
def _named(place: Place, head: str) -> tuple[Named, ...]:  # noqa: ARG001  (the key of the cache)
    counted: Counter[tuple[str, str, str]] = Counter()
    with state.engine().connect() as connection:
        for event in ledger.events(connection, kind="ASSESSED"):
            model = event.payload.get("model", {})
            keys = ("name", "digest", "configuration")
            name, digest, configuration = (str(model.get(key, "")) for key in keys)
            counted[name, digest, configuration] += 1
    return tuple(Named(*identity, count) for identity, count in counted.most_common())
