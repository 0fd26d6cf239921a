"""Electrocardiograms: one or more tracings at rest, the latest in front."""

from __future__ import annotations

from clinical.case.shapes import Arrays
from clinical.modalities.ecg import evidence, facts, picture, rows
from clinical.modalities.kit import Kit


def _stored_apart(value: Arrays) -> None:  # noqa: ARG001
    return None


def _never() -> Arrays:
    raise ValueError("a tracing has no stand-in")


KIT = Kit(
    name="ecg",
    letter="E",
    order=20,
    shape=Arrays,
    inputs=(rows.ECG, rows.PRIOR),
    summary=_stored_apart,
    stand_in=_never,
    table=rows.TABLE,
    rows=rows.rows,
    usable=facts.usable,
    times=facts.times,
    columns=facts.columns,
    noun="ECG",
    label=evidence.label,
    named=evidence.named,
    pictures=picture.pictures,
)
