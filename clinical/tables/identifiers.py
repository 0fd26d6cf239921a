"""Pseudonyms of cases and patients: what is none, whatever the table says."""

from __future__ import annotations

import re

LONGEST = 200
"""Characters. File names have 255 bytes, and ids become parts of file names."""

NOBODY = {
    *("na", "n/a", "#n/a", "nan", "<na>", "null", "none", "nil", "unknown", "unk", "unbekannt"),
    *("missing", "anonymous", "anonym", "anonymized", "anonymised", "?", "??", "-", "--", "."),
}
"""What stands where nobody wrote an id, in small letters."""

_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d+", re.ASCII)
_FLOAT = re.compile(r"\d+\.0", re.ASCII)


REMEDY = "write the id as the source has it; a spreadsheet keeps it if the column is text"


def fault(text: str) -> str:
    """Why a text is no id, as the end of a sentence; "" where it is one."""
    if not text:
        return "is empty"
    if not text.isprintable():
        return "has a character that cannot be seen, such as a control character"
    if len(text) > LONGEST:
        return f"has more than {LONGEST} characters"
    if text.casefold() in NOBODY:
        return "is a word for a missing value"
    if _ROUNDED.fullmatch(text):
        return "was rounded by a spreadsheet to a power of ten"
    return ""


def whole(text: str) -> str:
    """An id without the ".0" that programs append to whole numbers where a column has gaps."""
    return text[:-2] if _FLOAT.fullmatch(text) else text
