"""The image panel: each image input in the viewer with the selected diagnosis's heat map."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import streamlit as st

from clinical.case.assessment import Assessment, Explanation, HeatMap
from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.errors import ImageError
from clinical.modalities.radiograph import unstated
from clinical.review.marks import Mark
from ui.panels import frame, share
from ui.state import marked, state
from ui.state.films import films
from ui.viewer import component
from ui.words.markup import tag

READS, PLACE = ("radiograph",), "left"

PRIOR = "prior_"
"""Before the name of an image: the same of an earlier visit (`modalities.radiograph.rows`)."""


def render(
    case: Case, assessment: Assessment | None, explanation: Explanation | None, diagnosis: str
) -> None:
    """Show the images of `case`; more than one is chosen by name, a prior beside its image."""
    images = films(case)
    inputs = list(dict.fromkeys(film.modality for film in images.values()))
    st.html(frame.panel_title("Image", share.of("image", inputs, assessment, explanation)))
    named = list(to_read(images))
    if not named:
        st.html(tag("p", "No image was given for this case.", class_="empty"))
        return
    name = named[0]
    if len(named) > 1:
        name = st.segmented_control("Image", named, default=name, required=True) or name
    chosen, prior = images[name], images.get(f"{PRIOR}{name}")
    marks = marked.of_reader(case.case_id, {key: film.array for key, film in images.items()})
    try:
        component.show(
            _film(name, chosen.array, "Current" if prior else "", marks),
            _film(f"{PRIOR}{name}", prior.array, "Prior", marks) if prior else None,
            heat_map=heat_map_of(explanation, chosen.modality, chosen.item),
            diagnosis=diagnosis,
            key=f"image-{name}",
        )
    except ImageError as error:
        st.html(tag("p", str(error), class_="empty", role="alert"))


def to_read(images: Collection[str]) -> Iterator[str]:
    """Names of the images to choose from: all but the priors that stand beside another."""
    for name in images:
        if not name.startswith(PRIOR) or name.removeprefix(PRIOR) not in images:
            yield name


def label(role: str, array: Array) -> str:
    """What is written over an image: which it is, and of which day."""
    acquired = array.source.get("acquired", "")[:10]
    return " ".join(part for part in (role, acquired or (role and "(date not given)")) if part)


def _film(name: str, array: Array, role: str, marks: Iterable[Mark]) -> component.Film:
    told = describe(name, array), label(role, array)
    own = tuple(mark for mark in marks if (mark.image, mark.digest) == (name, array.digest))
    return component.Film(array, state.pixels(array), *told, name, tuple(unstated.of(array)), own)


def heat_map_of(explanation: Explanation | None, modality: str, item: int = 0) -> HeatMap | None:
    """The heat map over one image of an input, or None where the explanation has none."""
    maps = explanation.heat_maps if explanation else ()
    return next((m for m in maps if (m.modality, m.item) == (modality, item)), None)


def describe(name: str, array: Array) -> str:
    """What a screen reader says of an image."""
    rows, columns = array.values.shape[-2:]
    view = array.source.get("ViewPosition", "")
    frames = f"{array.values.shape[0]} frames" if array.values.ndim > 2 else ""
    words = (name.replace("_", " "), view, f"{columns} by {rows} pixels", frames)
    return ", ".join((" ".join(word for word in words if word), *unstated.of(array)))
