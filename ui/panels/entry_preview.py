"""What will be saved, what hinders it, the button that saves, and what is in it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.modalities.history.words import event_words, since
from clinical.modalities.kit import person, read_by
from clinical.model.card import Card
from clinical.review import danger
from ui.panels import danger_panel, entry_messages, frame
from ui.panels.attempt import attempt, tell
from ui.state import added, adding, models, state
from ui.state.added import Preview
from ui.state.adding import Draft
from ui.words import phrasing
from ui.words.markup import Markup, table, tag

NO_MODEL = (
    "No model is installed here: the case is saved and read without suggestions, and can be"
    " assessed once a model is there."
)


def render(draft: Draft, shown: Preview) -> None:
    """The preview and the buttons under it."""
    st.html(frame.panel_title("What will be saved", _title(draft)))
    case, hindrances = shown.case, [(one, "") for one in shown.hindrances]
    entry_messages.put(danger_panel.banner(danger.of_case(case)) if case is not None else None)
    entry_messages.put(contents(case) if case is not None else None)
    number = len(shown.problems) if case is not None else 0
    words = "1 message stands" if number == 1 else f"{number} messages stand"
    kept = tag("p", f"{words} beside the fields and will stay with the case.", class_="quiet")
    entry_messages.put(kept if number else None)
    entry_messages.put(entry_messages.lines(hindrances, "bad") if hindrances else None)
    _save(draft, shown)
    tell()


def _title(draft: Draft) -> str:
    return f"a new version of {draft.corrects}" if draft.corrects else "a new case"


def contents(case: Case) -> Markup:
    """Each input of the case in a line: how much of it there is."""
    who = person(case)
    age = f"{who.age_years:.0f} years" if who.age_years is not None else "age not known"
    rows = [
        _row("Case", case.case_id),
        _row("Patient", f"{case.patient_id}, {who.sex or 'sex not known'}, {age}"),
        _row("Decision", phrasing.moment(case.decision_time)),
    ]
    for kit, name, value in read_by(case):
        told: str | Markup = ""
        if value.arrays:
            told = "; ".join(map(_film, value.arrays))
        elif measured := kit.measured(value):
            used = sum(item.value is not None for item in measured)
            told = f"{used} used" + (
                f", {len(measured) - used} not" if used < len(measured) else ""
            )
        elif coded := kit.coded(value):
            told = "; ".join(
                f"{event_words(event)} ({event.code})"
                + (f" since {since(event)}" if since(event) else "")
                for event in coded
            )
        elif written := kit.written(value):
            words = sum(len(part.text.split()) for part in written)
            told = (
                f"{'1 section' if len(written) == 1 else f'{len(written)} sections'}, {words} words"
            )
        if told:
            rows.append(_row(phrasing.named(name), told))
    return table(("", ""), rows, "contents", "Contents of the case")


def _film(array: Array) -> str:
    view, made = array.source.get("ViewPosition", ""), array.source.get("acquired", "")
    return " ".join(filter(None, (view, made[:16].replace("T", " ")))) or "view and time not known"


def _row(label: str, words: str | Markup) -> Markup:
    return tag("tr", tag("th", label, scope="row"), tag("td", words))


def listed(asked: Sequence[Card]) -> str:
    """The models in the order in which they are asked."""
    return ", then ".join(one.name for one in asked)


def _save(draft: Draft, shown: Preview) -> None:
    asked = models.asked()
    if not asked:
        st.html(tag("p", NO_MODEL, class_="quiet"))
    elif len(asked) > 1:
        st.html(tag("p", f"Models that are asked: {listed(asked)}.", class_="quiet"))
    save, over = st.columns([60, 40], gap="small")
    save.button(
        "Save and assess" if asked else "Save without an assessment",
        key="do-save",
        type="primary",
        width="stretch",
        disabled=bool(shown.hindrances),
        on_click=_saved,
        args=(draft.name,),
    )
    over.button("Start over", key="do-start-over", width="stretch", on_click=_over)


def _saved(name: str) -> None:
    draft = adding.current()
    if draft.name != name:
        return
    attempt(lambda: added.save(draft))


def _over() -> None:
    state.accept()
    added.start_over(adding.current())
