"""Sentences about a suggestion, whose clauses lead to where their evidence is on the page.

A clause is pressed by mouse or key; `static/evidence.js` then brings what has the same anchor
(`data-at`) into sight and lights it up, and tells the viewer and the tracing where to look.
"""

from __future__ import annotations

from collections.abc import Iterable

from clinical.case.case import Case
from clinical.case.sentences import Clause, Region, Sentence, Source, Stretch, Whole
from ui.state.films import films
from ui.words.markup import Markup, joined, tag

SHOW = "Show where this is"


def paragraph(case: Case, sentences: Iterable[Sentence]) -> Markup:
    """The sentences as one paragraph, or nothing where there are none."""
    told = [joined(_clause(case, clause) for clause in one) for one in sentences]
    return tag("p", *(joined([" ", one]) for one in told), class_="clauses") if told else Markup()


def _clause(case: Case, clause: Clause) -> Markup | str:
    source = clause.source
    if source is None:
        return clause.text
    return tag(
        "span",
        clause.text,
        class_="clause",
        role="button",
        tabindex=0,
        aria_pressed="false",
        title=SHOW,
        data_evidence=source.anchor,
        **_place(case, source),
    )


def _place(case: Case, source: Source) -> dict[str, str]:
    """What viewer and tracing have to know; rows and sentences are found by their anchor."""
    item = source.item if isinstance(source, Region | Stretch) else 0
    found = {}
    for name, film in films(case).items():
        if (film.modality, film.item) == (source.modality, item):
            found["data_film"] = name
    if isinstance(source, Region):
        found["data_box"] = _numbers(source.box)
    if isinstance(source, Stretch | Whole):  # no tracing listens to the name of another input
        found["data_tracing"] = f"{source.modality} {item}"
    if isinstance(source, Stretch):
        found["data_lead"] = source.lead
        found |= {"data_seconds": _numbers(source.seconds)} if source.seconds else {}
    return found


def _numbers(values: Iterable[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
