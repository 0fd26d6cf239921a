"""Sentences of notes in words."""

from __future__ import annotations

from clinical.case.assessment import EvidenceItem
from clinical.case.shapes import Texts


def label(value: Texts, item: EvidenceItem) -> str:
    """A sentence that speaks for or against, in quotation marks."""
    if item.start is None or not 0 <= item.index < len(value.items):
        return item.label
    return f"“{value.items[item.index].text[item.start : item.end].strip()}”"
