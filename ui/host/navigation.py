"""The pages: what each is called, where it is, and what a role needs to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.navigation.page import Page

from clinical.access.roles import Permission
from ui.access import presence
from ui.pages import accounts, add_case, audit, case, model, study, worklist


@dataclass(frozen=True)
class Room:
    """One page of the bar.

    Attributes:
        title: in the bar.
        address: last part of its address.
        permissions: any one of them opens it.
        render: shows it.
    """

    title: str
    address: str
    permissions: tuple[Permission, ...]
    render: Callable[[], None]


# In the order of the bar; the first that a role may open is where it begins.
ROOMS = (
    # Who assigns cases sees the list too, without a word of the model.
    Room("Worklist", "worklist", ("read_cases", "assign"), lambda: worklist.render(case_page())),
    Room("Add a case", "add", ("add_cases",), lambda: add_case.render(case_page())),
    Room("Studies", "studies", ("studies",), lambda: study.render(case_page())),
    Room("Model", "model", ("studies",), model.render),
    Room("Audit", "audit", ("audit",), audit.render),
    Room("Accounts", "accounts", ("accounts",), accounts.render),
)
CASE = "case"  # reached from the worklist only
ADDRESSES = (*(room.address for room in ROOMS), CASE)


def allowed() -> list[Room]:
    """The rooms that this account may open, in the order of the bar."""
    return [room for room in ROOMS if any(map(presence.can, room.permissions))]


def page(room: Room, first: Room) -> Page:
    """A room as a page of Streamlit's; refused pages are pages too, so that they can say so.

    Args:
        room: which.
        first: the first that this account may open, which is at the address "/".
    """
    return st.Page(
        partial(_guarded, room.permissions, room.render),
        title=room.title,
        url_path=room.address,
        default=room == first,
    )


def case_page() -> Page:
    """The page of one case."""
    return st.Page(
        partial(_guarded, ("read_cases",), lambda: case.render(page(ROOMS[0], allowed()[0]))),
        title="Case",
        url_path=CASE,
        visibility="hidden",
    )


def _guarded(permissions: tuple[Permission, ...], render: Callable[[], None]) -> None:
    """Show a page, or refuse it; asked again at each run.

    Raises:
        AccessRefused: if the role does not allow it.
    """
    presence.require(*permissions)
    render()
