"""Sentences of notes in words."""

from __future__ import annotations

from clinical.case.assessment import EvidenceItem
from clinical.case.sentences import Named, Quotation, Whole
from clinical.case.shapes import Texts
from clinical.modalities.kit import Telling, the

LONGEST = 120
"""Characters of a quotation; a longer sentence ends at a word, and is seen whole in its note."""


def label(value: Texts, item: EvidenceItem) -> str:
    """A sentence that speaks for or against, in quotation marks."""
    if item.start is None or not 0 <= item.index < len(value.items):
        return item.label
    return f"“{value.items[item.index].text[item.start : item.end].strip()}”"


def named(name: str, value: Texts, item: EvidenceItem, telling: Telling) -> Named:
    """ "“No fever” in the notes": quoted with what it denies, or named by its place."""
    if item.start is None or item.end is None or not 0 <= item.index < len(value.items):
        return Named(f"{item.label} of {the(name)}", Whole(name))
    source = Quotation(name, item.index, item.start, item.end)
    if not telling.quoted:
        return Named(f"{item.label} of {the(name)}", source)
    sentence = value.items[item.index].text[item.start : item.end]
    return Named(f"“{_quoted(sentence)}” in {the(name)}", source)


def _quoted(sentence: str) -> str:
    plain = " ".join(sentence.split()).rstrip(" .;,")
    if len(plain) <= LONGEST:
        return plain
    return f"{plain[:LONGEST].rsplit(' ', 1)[0].rstrip(' .;,')} …"
