"""Measurements: laboratory values and vital signs."""

from __future__ import annotations

from clinical.case.shapes import Measurements
from clinical.modalities.kit import Kit
from clinical.modalities.measurements import facts, rows, sentence, words

KIT = Kit(
    name="measurements",
    letter="M",
    order=30,
    shape=Measurements,
    inputs=(rows.MEASUREMENTS,),
    open_names=True,
    summary=facts.summary,
    stand_in=facts.stand_in,
    table=rows.TABLE,
    rows=rows.rows,
    usable=facts.usable,
    times=facts.times,
    dated=True,
    stated=facts.stated,
    columns=facts.columns,
    measured=facts.measured,
    thinned=facts.thinned,
    noun="measurements",
    plural=True,
    label=words.label,
    named=sentence.named,
    deidentified=words.deidentified,
)
