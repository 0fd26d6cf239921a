"""Words that every screen and every export share."""

from __future__ import annotations

RESEARCH_USE = "Research use only. Not a medical device."

_SHORT_FORMS = {"copd": "COPD", "icu": "ICU", "covid": "COVID", "ards": "ARDS"}


def words(name: str) -> str:
    """An identifier as words: "heart_failure" is "heart failure", and COPD keeps its capitals."""
    return " ".join(_SHORT_FORMS.get(part, part) for part in name.split("_"))
