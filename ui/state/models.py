"""Which models assessed the cases of the workspace, as the ledger names them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import streamlit as st

from clinical.audit import ledger
from clinical.workspace.place import Place
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
