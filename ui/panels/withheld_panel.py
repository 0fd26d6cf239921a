"""In place of the cards where a model says nothing of a case: why, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clinical.case import withheld
from clinical.case.assessment import Assessment
from clinical.case.case import Case
from clinical.model import card
from ui.words.markup import Markup, tag


def render(case: Case, assessment: Assessment) -> None:
    """Say it in one sentence, then what would have to be there and what the reader can do."""
    others = [one.name for one in card.installed() if one.digest != assessment.model.digest]
    st.html(words(case, assessment, others))


def words(case: Case, assessment: Assessment, others: Sequence[str]) -> Markup:
    """The same as markup; `others` are further models that are installed."""
    return tag(
        "section",
        tag("p", tag("b", withheld.because(assessment))),
        tag("p", withheld.needed(assessment)),
        tag("ul", *(tag("li", line) for line in possible(case, others))),
        class_="nothing",
        aria_label="No suggestion",
    )


def possible(case: Case, others: Sequence[str]) -> list[str]:
    """What a reader can do without a suggestion."""
    lines = ["Read the case without suggestions, and record what you find with Add diagnosis (E)."]
    earlier = [name for name in case.inputs if name.startswith("prior")]
    if earlier:
        lines.append("Compare with what is there of an earlier visit.")
    if others:
        lines.append(f"Have it assessed by another model that is installed: {', '.join(others)}.")
    return lines
