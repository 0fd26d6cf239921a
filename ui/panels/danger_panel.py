"""What nobody should overlook: critical values and NEWS2, above everything a model says."""

from __future__ import annotations

from clinical.review import danger
from clinical.review.danger import Danger
from ui.words import phrasing
from ui.words.markup import Markup, joined, tag

WINDOW = "Latest values before the decision; NEWS2 within 24 hours, on saturation scale 1."


def banner(found: Danger) -> Markup:
    """One line for critical values, one for NEWS2 with its parts; empty markup for neither."""
    kind = {"now": "bad", "soon": "warn", None: "note"}[found.alarm]
    lines = []
    if found.critical:
        sources = "; ".join(dict.fromkeys(one.source for one in found.critical))
        values = danger.critical_values(found)
        lines.append(_line("Critical", phrasing.sentence(values), kind, f"Limits: {sources}"))
    if words := danger.score_words(found):
        kind = kind if found.score else "note"
        lines.append(_line("NEWS2", phrasing.sentence(words), kind, WINDOW))
    return tag("div", *lines, class_="warnings danger", role="alert") if lines else joined([])


def _line(label: str, text: str, kind: str, title: str) -> Markup:
    return tag("p", tag("b", label), tag("span", text), class_=kind, title=title)
