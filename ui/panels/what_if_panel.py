"""What if an input were missing, or a value different: the same model on a changed case.

Everything here is marked HYPOTHETICAL in words. Nothing of it can be decided on: decisions name the
assessment of the case, which this leaves alone.
"""

from __future__ import annotations

import streamlit as st

from clinical.assess.hypothetical import Change, Changed, LeftOut, measurement, plausible
from clinical.case.assessment import Assessment, Suggestion
from clinical.case.case import Case
from clinical.formatting import number
from clinical.modalities.kit import read_by
from clinical.terms.shown import valued
from ui.access import presence
from ui.panels import frame
from ui.state import state, what_if
from ui.words import phrasing
from ui.words.markup import Markup, bar, chip, joined, table, tag

CHANGE = "what-if-change"


def render(shown: state.Reading) -> None:
    """Controls to change the case, and what the model makes of it; closed until asked for."""
    if not presence.can("decide"):
        return
    with st.container(key="what-if"):
        detail = "the same model on a changed case; nothing is decided here"
        st.html(frame.panel_title("What if", detail))
        what_if.wake(shown.assessment)
        if not st.toggle("Try a change", key="what-if-open"):
            return
        if because := what_if.refusal(shown.assessment):
            st.html(tag("p", because, class_="empty"))
            return
        _controls(shown)
        if (question := what_if.asked(shown)) is not None:
            _answer(shown, question)


def _controls(shown: state.Reading) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        options = choices(shown.case)
        chosen = st.selectbox(
            "Change", list(options), format_func=options.__getitem__, key=CHANGE, width=420
        )
        if isinstance(chosen, Changed):
            _value(shown.case, chosen)
        st.button(
            "Show what changes", key="what-if-ask", type="primary", on_click=_ask, args=(shown,)
        )
        st.button("Clear", key="what-if-clear", on_click=what_if.forget)


def _ask(shown: state.Reading) -> None:
    # Not what the run that drew the button knew: the value may have come with the same click.
    chosen = st.session_state.get(CHANGE)
    if isinstance(chosen, Changed):
        value = st.session_state.get(_value_key(shown.case, chosen), chosen.value)
        chosen = None if value is None else Changed(chosen.modality, chosen.index, float(value))
    if chosen is not None:
        what_if.ask(shown, chosen)


def _answer(shown: state.Reading, question: what_if.Hypothesis) -> None:
    if question.assessment is None and question.refused is None:
        with st.spinner("The model is assessing the changed case. The first time takes longer."):
            what_if.answer(shown, question)
    if question.refused is not None:
        st.error(f"No answer. {question.refused.message}")
        st.caption(f"What to do: {question.refused.remedy}")
    elif question.assessment is not None:
        st.html(comparison(shown.case, question.change, shown.assessment, question.assessment))


def _value(case: Case, chosen: Changed) -> None:
    """Ask for the value that is to be tried."""
    measured = measurement(case, chosen)
    limits = plausible(measured)
    st.number_input(
        f"New value, {phrasing.unit(measured.unit)}" if measured.unit else "New value",
        min_value=limits[0] if limits else None,
        max_value=limits[1] if limits else None,
        value=chosen.value,
        format="%.6g",
        key=_value_key(case, chosen),
        width=190,
    )


def _value_key(case: Case, chosen: Changed) -> str:
    return f"what-if-value-{case.case_id}-{chosen.modality}-{chosen.index}"


def choices(case: Case) -> dict[Change, str]:
    """Every change that can be asked for, and its words: inputs to leave out, then values."""
    found: dict[Change, str] = {}
    if len(case.inputs) > 1:
        for name in case.inputs:
            found[LeftOut(name)] = f"Leave out: {name}"
    for kit, name, input_value in read_by(case):
        for index, item in enumerate(kit.measured(input_value)):
            if item.value is not None:
                age = phrasing.before(item.time, case.decision_time)
                since = f", {age} before" if age else ""
                value = valued(item)
                now = f"{value} {phrasing.unit(item.unit)}".strip()
                found[Changed(name, index, item.value)] = f"{item.name}, now {now}{since}"
    return found


def described(case: Case, change: Change) -> str:
    """A change in words."""
    if isinstance(change, LeftOut):
        return f"{change.modality} left out"
    measured = measurement(case, change)
    value = number(change.value)  # as it was asked
    was = valued(measured) if measured.value is not None else "unknown"
    return f"{measured.name} {value} {phrasing.unit(measured.unit)} instead of {was}"


def comparison(case: Case, change: Change, real: Assessment, changed: Assessment) -> Markup:
    """Every diagnosis as assessed and as it would be, in the order of the assessment."""
    new = {suggestion.diagnosis: suggestion for suggestion in changed.suggestions}
    rows = [_row(before, new[before.diagnosis]) for before in real.suggestions]
    head = ("Diagnosis", "As assessed", "Hypothetical", "Change", "")
    heading = tag(
        "p",
        chip("HYPOTHETICAL", "hypothetical"),
        tag("b", phrasing.sentence(described(case, change))),
        " Not an assessment of this patient. No decision may be based on it; the question"
        " is in the record.",
        class_="hypothetical",
    )
    lines = [heading, *_warnings(changed)]
    name = "Hypothetical probabilities"
    return tag("section", joined(lines), table(head, rows, "comparison", name), aria_label=name)


def _warnings(changed: Assessment) -> list[Markup]:
    if not changed.out_of_distribution.flagged:
        return []
    reasons = " ".join(map(phrasing.sentence, changed.out_of_distribution.reasons))
    return [tag("p", f"The changed case is unlike the cases the model was trained on. {reasons}")]


def _row(before: Suggestion, after: Suggestion) -> Markup:
    shown = before.withheld_because is None and after.withheld_because is None
    difference = after.probability - before.probability
    crosses = ""
    if shown and (before.probability >= before.threshold) != (after.probability >= after.threshold):
        crosses = "now suggested" if difference > 0 else "no longer suggested"
    moves = phrasing.points(difference) if shown else "–"
    arrow = "" if not shown or moves.startswith("±") else ("▲ " if difference > 0 else "▼ ")
    return tag(
        "tr",
        tag("th", phrasing.named(before.diagnosis), scope="row"),
        _amount(before),
        _amount(after),
        tag("td", arrow, moves, class_="number"),
        tag("td", chip(crosses, "warn") if crosses else ""),
    )


def _amount(suggestion: Suggestion) -> Markup:
    if suggestion.withheld_because is not None:
        return tag("td", "withheld", title=suggestion.withheld_because, class_="amount")
    over = suggestion.probability >= suggestion.threshold
    number = tag("span", phrasing.percent(suggestion.probability), class_="number")
    return tag("td", bar(suggestion.probability, "hot" if over else ""), number, class_="amount")
