"""The script that Streamlit runs at every interaction: style, who reads, where to go, one page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clinical.errors import StoreError, TriptychError
from ui.access import presence
from ui.host import navigation
from ui.panels import frame
from ui.state import adding, desk, handover

STATIC = Path(__file__).parents[2] / "static"
STYLES = tuple(STATIC / name for name in ("page.css", "case.css", "print.css"))


def main() -> None:
    """Run one page."""
    st.set_page_config(page_title="Triptych", layout="wide", initial_sidebar_state="collapsed")
    for style in STYLES:
        st.html(style)
    try:
        somebody = presence.signed_in()
    except StoreError as error:
        frame.unreachable(error)
        return
    try:
        if somebody:
            _show()
        else:
            frame.signed_out()
    except TriptychError as error:
        frame.refusal(error)


def _show() -> None:
    presence.at_work()
    handover.arrive()
    adding.sweep()
    allowed = navigation.allowed()
    pages = {room: navigation.page(room, allowed[0]) for room in navigation.ROOMS}
    here = st.navigation([*pages.values(), navigation.case_page()], position="hidden")
    st.set_page_config(page_title=f"{here.title} · Triptych")
    if here.url_path != navigation.CASE:
        desk.leave()
    frame.bar([pages[room] for room in allowed])
    frame.alarms()
    here.run()


main()
