"""In the form of a signature: confirm it with a passkey, where the protocol asks for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from clinical.access import passkeys
from clinical.audit import passkey
from clinical.review.signature import Signature
from ui.access import presence
from ui.state import confirming, state
from ui.words.markup import tag

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parents[1] / "static" / "passkey.js"
ADDRESS = "/passkey"


def render(wish: Signature) -> None:
    """The button that asks for it, or what has to be done before."""
    if presence.demonstration():
        st.html(tag("p", "Nobody has a passkey in a demonstration.", class_="quiet"))
        return
    with state.engine().connect() as connection:
        held = passkeys.of(connection, wish.reader)
    if not held:
        words = "This workspace asks for a passkey at a signature, and your account has none: "
        link = tag("a", "add one", href=ADDRESS, target="_blank", rel="noopener")
        st.html(tag("p", words, link, ", then sign.", class_="quiet"))
        return
    holder = presence.holder()
    told = {
        "challenge": confirming.challenge(holder, wish),
        "answered": confirming.answered(holder, wish) is not None,
        "credentials": [one.credential for one in held],
        "site": passkey.SITE,
    }
    _component()(data=told, key="confirm-passkey", width="content", height="content")


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "triptych_passkey", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
    )
