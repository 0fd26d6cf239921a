"""Do something the rules may refuse, and show the refusal in words.

What a reader asked for is done in the callback of its button: that runs before the page does. In
the run itself it would be lost whenever the next click or key came before the run had reached it.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from clinical.errors import AccessRefused, AccountError, ReviewError
from ui.state import state


def attempt(act: Callable[[], object]) -> None:
    """Do it; where it is refused, keep why for `tell`."""
    state.accept()
    try:
        act()
    except (AccessRefused, AccountError, ReviewError) as error:
        state.refuse(error)


def tell() -> None:
    """Say why the last attempt was refused, if it was, and what to do instead."""
    error = state.refused()
    if error is not None:
        st.error(f"Not recorded. {error.message}")
        st.caption(f"What to do: {error.remedy}")
