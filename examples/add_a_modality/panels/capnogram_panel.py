"""The capnograms of a case: each trace over time, and the breaths that a suggestion rests on."""

from __future__ import annotations

import streamlit as st

from clinical.case.assessment import Assessment, Explanation
from clinical.case.case import Case
from clinical.modalities import kit
from clinical.modalities.kit import read_by

READS = ("capnogram",)
PLACE = "below"
MOST = 3


def render(
    case: Case, assessment: Assessment | None, explanation: Explanation | None, diagnosis: str
) -> None:
    """Draw every trace; below it, the breaths that speak loudest for or against `diagnosis`."""
    del assessment, diagnosis
    for modality, name, value in read_by(case):
        if modality.name not in READS:
            continue
        st.subheader("Capnogram")
        for trace in value.items:
            seconds = [i * trace.spacing[0] for i in range(len(trace.values))]
            points = {"s": seconds, "mmHg": trace.values.tolist()}
            st.line_chart(points, x="s", y="mmHg", height=160)
        items = [] if explanation is None else [i for i in explanation.items if i.modality == name]
        for item in sorted(items, key=lambda item: -abs(item.relevance))[:MOST]:
            side = "for" if item.relevance > 0 else "against"
            st.text(f"{side}: {kit.label(case, item)}")
