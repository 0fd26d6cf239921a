"""Words that every screen and every export share."""

from __future__ import annotations

RESEARCH_USE = "Research use only. Not a medical device."

_SHORT_FORMS = {"copd": "COPD", "icu": "ICU", "covid": "COVID", "ards": "ARDS"}


def words(name: str) -> str:
    """An identifier as words: "heart_failure" is "heart failure", and COPD keeps its capitals."""
    return " ".join(_SHORT_FORMS.get(part, part) for part in name.split("_"))


def inside_a_sentence(text: str) -> str:
    """`text` without its capital, unless it begins with an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def counted(count: int, name: str) -> str:
    """ "2 results", "1 item of history"."""
    if count != 1:
        return f"{count} {name}"
    first, *rest = name.split(" ")
    return " ".join(["1", first.removesuffix("s"), *rest])
