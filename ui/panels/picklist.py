"""Markup for lists to choose from: rows of the worklist, cards of suggestions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from markupsafe import Markup

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parents[1] / "static" / "picklist.js"


def show(markup: Markup, *, key: str, subject: str, on_pick: Callable[[str], None]) -> None:
    """Show `markup`; `on_pick` gets the data-pick of what was chosen, before the next run.

    When `subject` is another one than before, nothing in it keeps the focus.
    """
    _mount(markup, key, subject, on_pick, _ignore, _ignore)


def show_sortable(
    markup: Markup,
    *,
    key: str,
    on_pick: Callable[[str], None],
    on_sort: Callable[[str], None],
    on_mark: Callable[[str], None] | None = None,
) -> None:
    """As `show`; also for column headings (data-sort) and boxes to mark a row (data-mark).

    Args:
        markup: rows with data-pick.
        key: of the element.
        on_pick, on_sort, on_mark: get what was chosen, before the next run.
    """
    _mount(markup, key, "", on_pick, on_sort, on_mark or _ignore)


def _mount(
    markup: Markup,
    key: str,
    subject: str,
    on_pick: Callable[[str], None],
    on_sort: Callable[[str], None],
    on_mark: Callable[[str], None],
) -> None:
    def report(event: str, receive: Callable[[str], None]) -> Callable[[], None]:
        def changed() -> None:
            value = st.session_state[key].get(event)
            if isinstance(value, str):
                receive(value)

        return changed

    _component()(
        data={"html": str(markup), "subject": subject},
        key=key,
        on_pick_change=report("pick", on_pick),
        on_sort_change=report("sort", on_sort),
        on_mark_change=report("mark", on_mark),
    )


def _ignore(_: str) -> None:
    """For what a list does not have and so never reports."""


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "triptych_picklist", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
    )
