"""A quiet line on the worklist for what came since it was drawn; static/arrivals.js fills it."""

from __future__ import annotations

import streamlit as st

from ui.words.markup import tag


def render(head: int) -> None:
    """The line, which says nothing yet, and a button that draws the worklist anew.

    Args:
        head: number of the last event that the worklist knows.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="arrivals"):
        # Another element for each head: what the script wrote goes with it.
        st.html(
            tag("p", data_arrivals=head, role="status", hidden=True, class_="quiet"),
            width="content",
        )
        st.button("Show them", key="show-arrivals")
