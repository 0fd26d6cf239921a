"""History: coded conditions, symptoms, drugs and examination findings, with age and sex."""

from __future__ import annotations

from clinical.case.shapes import Events
from clinical.modalities.history import facts, rows, words
from clinical.modalities.kit import Kit

KIT = Kit(
    name="history",
    letter="H",
    order=40,
    shape=Events,
    inputs=(rows.HISTORY,),
    open_names=True,
    summary=facts.summary,
    stand_in=facts.stand_in,
    table=rows.TABLE,
    rows=rows.rows,
    times=facts.times,
    stated=facts.stated,
    columns=facts.columns,
    coded=facts.coded,
    person=facts.person,
    noun="history",
    label=words.label,
    named=words.named,
    deidentified=words.deidentified,
)
