"""The image viewer as Streamlit components: carriers of pixels and heat map, and one that shows.

The messages of pixels and viewer are the same at every run of the page, so Streamlit sends
references instead; another diagnosis sends only the small message of its heat map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from clinical.case.assessment import HeatMap
from clinical.case.shapes import Array
from clinical.review import marks
from clinical.review.marks import Mark
from ui.viewer import transport
from ui.words import phrasing

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Film:
    """One image as the viewer shows it.

    Attributes:
        array: rows x columns, or frames x rows x columns.
        payload: `transport.message` of the same array.
        description: what a screen reader says of it.
        label: what is written over it, such as "Current 2031-03-04".
        name: of the input.
        unstated: what its file does not say, such as which side is which.
        marks: those that the record has of this reader.
    """

    array: Array
    payload: bytes
    description: str
    label: str
    name: str
    unstated: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()


def show(
    film: Film, prior: Film | None, *, heat_map: HeatMap | None, diagnosis: str, key: str
) -> None:
    """Show `film` with `heat_map` over it, and `prior` beside it when the reader wishes.

    Args:
        film: the image to read.
        prior: one of an earlier visit, or None.
        heat_map: relevance for the selected diagnosis, or None.
        diagnosis: code of the one that it belongs to.
        key: unique on the page.
    """
    _carrier()(data=film.payload, key=f"{key}-pixels", height="content")
    if prior is not None:
        _carrier()(data=prior.payload, key=f"{key}-prior-pixels", height="content")
    _heat()(data=heat_data(film, heat_map, diagnosis), key=f"{key}-heat", height="content")
    _viewer()(data=viewer_data(film, prior), key=f"{key}-viewer")


def heat_data(film: Film, heat_map: HeatMap | None, diagnosis: str) -> dict[str, Any]:
    """What changes with the selected diagnosis."""
    heat = heat_map and {
        "diagnosis": diagnosis,
        "label": phrasing.named(diagnosis),
        "values": heat_map.values,
        "box": heat_map.box,
    }
    return {"frame": transport.frame_id(film.array), "heat": heat}


def report(
    visit: int,
    place: Literal["page", "form"],
    images: Mapping[str, Array],
    *,
    key: str,
    on_view_change: Callable[[], None],
) -> None:
    """Hear what the viewer shows: `view` of the state of `key` has visit, at, now, seen and marks.

    Args:
        visit: number of the visit to a case; looks are counted again for another.
        place: where it stands; it tells of the buttons of its form, or of those outside forms.
        images: of the case, by the names under which a reader chooses them.
        key: unique on the page.
        on_view_change: called when it was told something.
    """
    frames = {name: transport.frame_id(array) for name, array in images.items()}
    data = {"visit": visit, "place": place, "frames": frames}
    _report()(data=data, key=key, on_view_change=on_view_change, height="content")


def viewer_data(film: Film, prior: Film | None) -> dict[str, Any]:
    """What the viewer is told of a case: everything but pixels, their windows and heat maps."""
    return {
        **_told(film),
        "prior": None if prior is None else _told(prior),
        "overlay": {"shown": True, "opacity": 45, "threshold": 25},
    }


def _told(film: Film) -> dict[str, Any]:
    return {
        "frame": transport.frame_id(film.array),
        "name": film.name,
        "description": film.description,
        "label": film.label,
        "unstated": "\n".join(film.unstated),
        "marks": marks.told(film.marks),
    }


def _carrier() -> ComponentRenderer:
    return _register("triptych_pixels", "carrier")


def _heat() -> ComponentRenderer:
    return _register("triptych_heat", "heat")


def _report() -> ComponentRenderer:
    return _register("triptych_report", "report")


def _viewer() -> ComponentRenderer:
    return _register("triptych_viewer", "viewer", css="viewer.css")


@st.cache_resource(show_spinner=False)
def _register(name: str, module: str, css: str | None = None) -> ComponentRenderer:
    # A component takes its code as one string: what `make javascript` built and was committed.
    code = (FOLDER / "bundle" / f"{module}.js").read_text(encoding="utf-8")
    style = None if css is None else (FOLDER / css).read_text(encoding="utf-8")
    return st.components.v2.component(name, js=code, css=style, isolate_styles=css is not None)
