"""A tracing as a drawing for a printed page, with what one diagnosis rests on marked on it."""

from __future__ import annotations

import base64

from clinical.case.assessment import Explanation
from clinical.case.shapes import Array, Arrays
from clinical.modalities.ecg import drawing
from clinical.modalities.ecg.drawing import Drawing
from clinical.modalities.ecg.evidence import highlights
from clinical.modalities.ecg.tracing import tokens, waveform_of
from clinical.modalities.ecg.words import BY, measured
from clinical.modalities.kit import Picture
from clinical.wording import words


def drawn(name: str, number: int, tracing: Array, explanation: Explanation | None) -> Drawing:
    """A tracing on millimetre paper."""
    found = tokens(tracing)
    return drawing.page(
        waveform_of(tracing),
        highlights=highlights(name, number, found, explanation),
        rate_per_minute=found.analysis.rate,
    )


def pictures(name: str, value: Arrays, explanation: Explanation | None) -> list[Picture]:
    """Every tracing of an input, with the marks of one explanation."""
    return [_picture(name, number, item, explanation) for number, item in enumerate(value.items)]


def _picture(name: str, number: int, tracing: Array, explanation: Explanation | None) -> Picture:
    page = drawn(name, number, tracing, explanation)
    said = ", ".join(f"{what} {how}" for what, how in measured(tracing))
    parts = [f"25 mm/s, 10 mm/mV. {said} ({BY})."]
    if explanation is not None and highlights(name, number, tokens(tracing), explanation):
        diagnosis = words(explanation.diagnosis)
        parts.append(f"Marked: brown is evidence for {diagnosis}, blue against it.")
    uri = f"data:image/svg+xml;base64,{base64.b64encode(page.svg.encode()).decode()}"
    return Picture(name, uri, round(page.width), round(page.height), " ".join(parts), wide=True)
