"""The electrocardiogram: twelve leads on millimetre paper, calipers, and what was measured."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from clinical import wording
from clinical.case.assessment import Assessment, Explanation
from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.modalities.ecg import facts, picture, tracing, words
from clinical.modalities.ecg.evidence import highlights
from clinical.modalities.kit import read_by
from ui.panels import frame, share
from ui.words import phrasing
from ui.words.markup import Markup, joined, tag

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

READS, PLACE = ("ecg",), "below"

STATIC = Path(__file__).parents[1] / "static"

HOW = "Calipers: drag over the paper, or Enter, then the arrow keys."


def render(
    case: Case, assessment: Assessment | None, explanation: Explanation | None, diagnosis: str
) -> None:
    """Show the tracings of `case`; several are chosen by name."""
    shown = tracings(case)
    if not shown:
        return
    inputs = list(dict.fromkeys(name for name, _, _ in shown.values()))
    detail = share.of("ecg", inputs, assessment, explanation)
    st.html(frame.panel_title("Electrocardiogram", detail))
    chosen = next(iter(shown))
    if len(shown) > 1:
        names = list(shown)
        picked = st.segmented_control(
            "Tracing", names, default=chosen, required=True, key="ecg-tracing"
        )
        chosen = picked if picked in shown else chosen
    name, number, array = shown[chosen]
    _component()(data=message(name, number, array, explanation, diagnosis), key="ecg")


def tracings(case: Case) -> dict[str, tuple[str, int, Array]]:
    """What is chosen by to name of the input, number in it and tracing: "ecg", "ecg 2", "prior"."""
    return {
        (f"{name} {number + 1}" if number else name).replace("_", " "): (name, number, array)
        for kit, name, value in read_by(case)
        if kit.name in READS
        for number, array in enumerate(value.arrays)
    }


def message(
    name: str, number: int, array: Array, explanation: Explanation | None, diagnosis: str
) -> dict[str, Any]:
    """What the page is told of one tracing."""
    page = picture.drawn(name, number, array, explanation)
    marked = bool(highlights(name, number, tracing.tokens(array), explanation))
    return {
        "tracing": array.digest,
        "at": f"{name} {number}",
        "svg": page.svg,
        "width": page.width,
        "height": page.height,
        "strips": [asdict(strip) for strip in page.strips],
        "words": str(_words(array, wording.words(diagnosis) if marked else "")),
    }


def _words(array: Array, diagnosis: str) -> Markup:
    """Measurements, criteria, troubles, and what the colours mean."""
    measured = [
        piece for what, how in words.measured(array) for piece in (tag("dt", what), tag("dd", how))
    ]
    met = [tag("li", criterion.words) for criterion in tracing.criteria_met(array)]
    (time,) = facts.times(Arrays((array,)))
    return joined(
        [
            tag(
                "p",
                f"Recorded {phrasing.moment(time)}" if time else "Time not given",
                class_="quiet",
            ),
            tag("dl", *measured),
            *([tag("ul", *met)] if met else []),
            tag("p", f"{words.BY.capitalize()}.", class_="quiet"),
            *(tag("p", trouble.words, class_="trouble") for trouble in tracing.troubles(array)),
            *(
                [tag("p", f"Brown is evidence for {diagnosis}, blue against it.")]
                if diagnosis
                else []
            ),
            tag("p", HOW, class_="quiet"),
        ]
    )


@st.cache_resource(show_spinner=False)
def _component() -> ComponentRenderer:
    code, style = ((STATIC / name).read_text(encoding="utf-8") for name in ("ecg.js", "ecg.css"))
    return st.components.v2.component("triptych_ecg", js=code, css=style)
