"""The image viewer as Streamlit components: one carries the pixels, one shows them.

The carrier's message is the same at every run of the page, so Streamlit sends a reference instead
of the pixels; the viewer's message holds only the heat map of the selected diagnosis.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from clinical.assessment import HeatMap
from clinical.case import Array
from ui.viewer import transport

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent
CARRIER = ("registry.js", "carrier.js")
VIEWER = (
    "registry.js",
    "shaders.js",
    "renderer.js",
    "view.js",
    "toolbar.js",
    "controls.js",
    "viewer.js",
)

_IMPORT = re.compile(r"^import\b[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


def bundle(names: tuple[str, ...]) -> str:
    """The named modules of this folder as one module: a component takes its code as one string."""
    sources = ((FOLDER / name).read_text(encoding="utf-8") for name in names)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", source)) for source in sources)


def show(
    array: Array,
    payload: bytes,
    *,
    description: str,
    heat_map: HeatMap | None,
    heat_label: str,
    key: str,
) -> None:
    """Show `array` with `heat_map` over it.

    Args:
        array: rows x columns; presets come from it, pixels do not.
        payload: `transport.to_bytes` of the same array.
        description: what a screen reader says of the image.
        heat_map: relevance for the selected diagnosis, or None.
        heat_label: the diagnosis it belongs to.
        key: unique on the page.
    """
    _carrier()(data=payload, key=f"{key}-pixels", height="content")
    _viewer()(data=viewer_data(array, description, heat_map, heat_label), key=f"{key}-viewer")


def viewer_data(
    array: Array, description: str, heat_map: HeatMap | None, heat_label: str
) -> dict[str, Any]:
    """What the viewer is told at each run: everything but the pixels."""
    presets = transport.windows(array)
    return {
        "digest": array.digest,
        "description": description,
        "presets": [vars(preset) for preset in presets],
        "range": presets[-1].width,
        "overlay": {"shown": True, "opacity": 45, "threshold": 25},
        "heat": None
        if heat_map is None
        else {"label": heat_label, "values": heat_map.values, "box": heat_map.box},
    }


@functools.cache
def _bundled(names: tuple[str, ...]) -> str:
    return bundle(names)


def _carrier() -> ComponentRenderer:
    return _register("triptych_pixels", _bundled(CARRIER), None, False)


def _viewer() -> ComponentRenderer:
    css = (FOLDER / "viewer.css").read_text(encoding="utf-8")
    return _register("triptych_viewer", _bundled(VIEWER), css, True)


@st.cache_resource(show_spinner=False)
def _register(name: str, js: str, css: str | None, isolate: bool) -> ComponentRenderer:
    return st.components.v2.component(name, js=js, css=css, isolate_styles=isolate)
