"""Notes: sections of text."""

from __future__ import annotations

from clinical.case.shapes import Texts
from clinical.modalities.kit import Kit
from clinical.modalities.notes import facts, rows, words

KIT = Kit(
    name="notes",
    letter="N",
    order=50,
    shape=Texts,
    inputs=(rows.NOTES,),
    open_names=True,
    summary=facts.summary,
    stand_in=facts.stand_in,
    table=rows.TABLE,
    rows=rows.rows,
    times=facts.times,
    dated=True,
    written=facts.written,
    noun="notes",
    plural=True,
    label=words.label,
    named=words.named,
)
