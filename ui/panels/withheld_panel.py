"""In place of the cards where a model says nothing of a case: why, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clinical.case import withheld
from clinical.case.assessment import Assessment
from clinical.case.case import Case
from ui.panels import picklist
from ui.state import alike, models, state
from ui.state.desk import OpenCase
from ui.state.worklist_order import STATUS_WORDS, Row
from ui.words import phrasing
from ui.words.markup import Markup, table, tag

MOST_VISITS = 5
NO_VISITS = "The workspace has no other case of this patient."


def render(shown: OpenCase, assessment: Assessment) -> None:
    """Say it in one sentence, then what would have to be there and what the reader can do."""
    case, was_asked = shown.case, {one.model.digest for one in shown.asked.values()}
    others = [one.name for one in models.asked() if one.digest not in was_asked]
    st.html(words(case, assessment, others))
    visits = [
        row
        for row in state.rows()
        if row.patient == case.patient_id and row.entry.case_id != case.case_id
    ]
    if not visits:
        st.html(tag("p", NO_VISITS, class_="quiet"))
        return
    picklist.show(
        other_visits(visits),
        key="other-visits",
        subject=case.case_id,
        on_pick=state.open_case,
    )


def other_visits(visits: Sequence[Row]) -> Markup:
    """The other cases of the patient as a table, the latest first; each row opens its case."""
    latest = sorted(visits, key=lambda row: row.moment, reverse=True)[:MOST_VISITS]
    made = [
        tag(
            "tr",
            tag("td", tag("b", row.entry.case_id), class_="case"),
            tag("td", phrasing.moment(row.entry.decision_time)),
            tag("td", STATUS_WORDS.get(row.status, "")),
            data_pick=row.entry.case_id,
            tabindex=0 if row is latest[0] else -1,
        )
        for row in latest
    ]
    head = ("Other case of this patient", "Decision", "Review")
    return table(head, made, "worklist similar", "Other cases of this patient, latest first")


def words(case: Case, assessment: Assessment, others: Sequence[str]) -> Markup:
    """The same as markup; `others` are models that were not asked."""
    return tag(
        "section",
        tag("p", tag("b", withheld.because(assessment))),
        tag("p", withheld.needed(assessment)),
        tag("ul", *(tag("li", line) for line in _offered(case, assessment, others))),
        class_="nothing",
        aria_label="No suggestion",
    )


def _offered(case: Case, assessment: Assessment, others: Sequence[str]) -> list[str]:
    """Of a study's case no other model is offered: whoever asked one would leave the study."""
    return possible(case, [] if withheld.kind(assessment) == "study" else others)


def possible(case: Case, others: Sequence[str]) -> list[str]:
    """What a reader can do without a suggestion."""
    lines = ["Read the case without suggestions, and record what you find with Add diagnosis (E)."]
    earlier = [name for name in case.inputs if name.startswith("prior")]
    if "prior_image" in earlier:
        lines.append("Compare with the film of an earlier visit: P shows it beside this one.")
    elif earlier:
        lines.append("Compare with what is there of an earlier visit.")
    if alike.comparable(case):
        words = "Look for similar cases, below: by abnormal values and history, not by the model."
    else:
        words = "Similar cases cannot be found: this case has no abnormal value or coded history."
    lines.append(words)
    if others:
        lines.append(f"Have it assessed by another model that is installed: {', '.join(others)}.")
    return lines
