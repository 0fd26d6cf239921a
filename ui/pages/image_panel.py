"""The image panel: each image input in the viewer with the selected diagnosis's heat map."""

from __future__ import annotations

import streamlit as st

from clinical.assessment import Assessment, Explanation, HeatMap
from clinical.case import Array, Case
from ui import state, wording
from ui.markup import tag
from ui.pages import frame, share
from ui.viewer import component


def render(
    case: Case, assessment: Assessment | None, explanation: Explanation | None, diagnosis: str
) -> None:
    """Show the images of `case`; more than one is chosen by name."""
    images = {name: shape for name, shape in case.inputs.items() if isinstance(shape, Array)}
    st.html(frame.panel_title("Image", share.of("image", images, assessment, explanation)))
    if not images:
        st.html(tag("p", "No image was given for this case.", class_="empty"))
        return
    name = next(iter(images))
    if len(images) > 1:
        name = st.segmented_control("Image", list(images), default=name, required=True) or name
    array = images[name]
    component.show(
        array,
        state.pixels(array),
        description=describe(name, array),
        heat_map=heat_map_of(explanation, name),
        heat_label=wording.named(diagnosis),
        key=f"image-{name}",
    )


def heat_map_of(explanation: Explanation | None, modality: str) -> HeatMap | None:
    """The heat map over one image, or None where the explanation has none."""
    maps = explanation.heat_maps if explanation else ()
    return next((m for m in maps if m.modality == modality), None)


def describe(name: str, array: Array) -> str:
    """What a screen reader says of an image."""
    rows, columns = array.values.shape
    view = array.source.get("ViewPosition", "")
    return " ".join(part for part in (name, view, f"{columns} by {rows} pixels") if part)
