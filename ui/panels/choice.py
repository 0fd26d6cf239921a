"""A small control of how the page is arranged: chosen in the browser, and remembered there.

Neither the workspace nor the ledger holds such a choice: it decides nothing about a patient, and it
has to act at once, without a run of the page that could take the place of a click. So it is in the
browser's storage, under the name of the account, so that two people at one machine keep their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.state import state

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

SCRIPT = Path(__file__).parents[1] / "static" / "choice.js"


@dataclass(frozen=True)
class Choice:
    """What can be chosen.

    Attributes:
        name: of the data attribute of the document that style sheets read.
        label: what a screen reader says of it.
        options: value, what its button says, and what it is for, in order.
        usual: the value where nothing is remembered, or the case does not have it.
        key: letter that goes to the next value from anywhere, with Shift to the one before; "" for
            none.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str, str]]
    usual: str
    key: str = ""


def show(choice: Choice) -> None:
    """Show it; without options there is nothing to see, and the usual value holds."""
    told = asdict(choice) | {"reader": state.reader()}
    _component()(data=told, key=f"choice-{choice.name}", width="content", height="content")


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "triptych_choice", js=SCRIPT.read_text(encoding="utf-8"), isolate_styles=False
    )
