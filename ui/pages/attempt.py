"""Doing something that the rules may refuse, and saying so in words."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from clinical.errors import AccountError, ReviewError


def attempt(act: Callable[[], object]) -> None:
    """Do it and run the page again; where it is refused, say why and what to do instead."""
    try:
        act()
    except (AccountError, ReviewError) as error:
        st.error(f"Not recorded. {error.message}")
        st.caption(f"What to do: {error.remedy}")
        return
    st.rerun()
