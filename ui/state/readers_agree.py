"""How far readers agree, computed once for a state of the record."""

from __future__ import annotations

import streamlit as st

from clinical.audit import ledger
from clinical.review import kappa
from clinical.workspace.place import Place
from ui.state import state


def reader_kappa() -> kappa.ReaderKappa:
    """How far readers agree on the cases that two have signed, as of now."""
    with state.engine().connect() as connection:
        head = ledger.head(connection)
    return _reader_kappa(state.workspace(), head.hash)


@st.cache_resource(show_spinner=False, max_entries=2)
def _reader_kappa(place: Place, head: str) -> kappa.ReaderKappa:  # noqa: ARG001  (the cache's key)
    with state.engine().connect() as connection:
        return kappa.reader_kappa(connection)
