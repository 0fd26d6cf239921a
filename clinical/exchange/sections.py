"""Kinds of text, as LOINC and HL7 v2 name them, to the sections of the notes of a case."""

from __future__ import annotations

SECTIONS = {
    "10154-3": "presenting_complaint",
    "29299-5": "presenting_complaint",
    "10164-2": "history_of_presenting_illness",
    "11348-0": "past_history",
    "11329-0": "past_history",
    "10157-6": "family_history",
    "29545-1": "examination",
    "10210-3": "examination",
    "18776-5": "plan",
    "51847-2": "assessment_and_plan",
    "18785-6": "indication",
    "18834-2": "comparison",
    "18782-3": "findings",
    "59776-5": "findings",
    "19005-8": "impression",
    "18783-1": "recommendation",
}
"""LOINC code of a section or a text to the name of the section."""

PART_SECTIONS = {
    "GDT": "findings",
    "IMP": "impression",
    "ADT": "addendum",
    "REC": "recommendation",
}
"""Suffix of OBX-3 (such as 71020&IMP) to the name of the section; HL7 v2.5.1, figure 7-1."""


def section(code: str, title: str) -> str:
    """The name of a section that notes.csv knows, or the title as its sender has it."""
    return SECTIONS.get(code, "") or title or "note"
