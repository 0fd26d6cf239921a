"""How much of one suggestion is based on each input, and what of it the model does not know."""

from __future__ import annotations

from collections.abc import Iterable

from clinical.case.assessment import Assessment, Explanation
from clinical.wording import words
from ui.words import phrasing
from ui.words.markup import Markup, tag

HELD = "; no part of it is shown as evidence"


def of(
    fallback: str,
    names: Iterable[str],
    assessment: Assessment | None,
    explanation: Explanation | None,
) -> str:
    """Say what share of the selected suggestion the named inputs carry.

    Args:
        fallback: the modality that the panel is for, to say that it is missing.
        names: modalities shown in the panel.
        assessment: knows what was used; None where a model has said nothing, or not yet.
        explanation: of the selected suggestion.
    """
    shown = list(names)
    if assessment is None:
        return "" if shown else "not given"
    if not shown:
        return "missing" if fallback in assessment.missing else "not given"
    unread = [name for name in shown if name in assessment.unknown]
    if unread:
        return f"not read by this model: {', '.join(map(words, unread))}"
    if explanation is None:
        return ""  # of what is withheld nothing is explained
    total = sum(explanation.share.get(name, 0.0) for name in shown)
    held = any(name in explanation.held_back for name in shown)
    return f"{phrasing.percent(total)} of this suggestion{HELD if held else ''}"


def unknown_codes(names: Iterable[str], assessment: Assessment | None) -> list[Markup]:
    """A line for each of the named inputs with items that had no part in what the model said."""
    told = assessment.unknown_codes if assessment else ()
    return [
        tag("p", phrasing.sentence(sentence), class_="quiet")
        for name in names
        for sentence in told
        # A sentence begins with the name of the input (`clinical.assess.assess`).
        if sentence.startswith(f"{name}: ")
    ]
