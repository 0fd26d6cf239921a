"""What the rest of the program may ask of a capnogram."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from clinical.case.assessment import EvidenceItem
from clinical.case.shapes import Arrays
from clinical.modalities.kit import Kit
from examples.add_a_modality.modalities.capnogram import rows
from examples.add_a_modality.modalities.capnogram.breaths import breaths


def columns(value: Arrays) -> Mapping[str, float]:
    """End-tidal pressure in mmHg and breaths a minute, for comparators that read a table."""
    found = [breath for trace in value.items for breath in breaths(trace)]
    if not found:
        return {}
    return {
        "capnogram:end_tidal": median(breath.end_tidal for breath in found),
        "capnogram:rate": 60 / median(breath.seconds for breath in found),
    }


def label(value: Arrays, item: EvidenceItem) -> str:
    """A breath that speaks for or against, with its place on the trace and its pressure."""
    traces = value.items[item.index : item.index + 1]
    for breath in (breath for trace in traces for breath in breaths(trace)):
        if breath.start == item.start:
            place = f"{breath.start / 1000:.1f} to {breath.end / 1000:.1f} s"
            return f"breath at {place}, end-tidal {breath.end_tidal:.0f} mmHg"
    return item.label


def _stored_apart(value: Arrays) -> None:  # noqa: ARG001
    return None


def _never() -> Arrays:
    raise ValueError("a trace has no stand-in")


KIT = Kit(
    name="capnogram",
    letter="C",
    order=25,
    shape=Arrays,
    inputs=(rows.CAPNOGRAM,),
    summary=_stored_apart,
    stand_in=_never,
    table=rows.TABLE,
    rows=rows.rows,
    columns=columns,
    label=label,
)
