"""Two signed readings side by side, and the adjudicator's decision where they differ."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from clinical.errors import ReviewError
from clinical.review import adjudication, conclusion, kappa
from clinical.review import comment as comment_rules
from clinical.review.kappa import Kappa
from clinical.review.progress import Reader
from ui.access import presence
from ui.panels.attempt import attempt, tell
from ui.panels.signature_panel import said
from ui.state import desk, drafts, state
from ui.state.desk import OpenCase
from ui.words import phrasing
from ui.words.markup import Markup, chip, table, tag

Word = Literal["Present", "Absent"]
WORDS: tuple[Word, ...] = ("Present", "Absent")


def due(shown: OpenCase) -> bool:
    """Whether this reader is the one to settle where signed readings of this case differ."""
    now = shown.progress
    return (
        presence.can("adjudicate")
        and now.adjudicated is None
        and conclusion.differ(now.signed)
        and state.reader() not in {reader.name for reader in now.signed}
    )


def render(shown: OpenCase) -> None:
    """Show both readings; ask of each diagnosis where they differ whether it holds."""
    now = shown.progress
    readers = now.signed
    st.html(
        tag(
            "div",
            tag("h2", "Adjudication"),
            tag(
                "span", "The signed readings differ; the final decision is yours.", class_="detail"
            ),
            class_="panel-title",
        )
    )
    st.html(side_by_side(readers))
    with st.container(horizontal=True, gap="medium", key="words"):
        words = {name: _word(shown, name, readers) for name in adjudication.disputed(now)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        drafts.fill(drafts.ADJUDICATION, _comment_key(shown))
        st.text_input(
            "Comment",
            max_chars=comment_rules.MAX_COMMENT,
            key=_comment_key(shown),
            placeholder="Optional",
        )
        settled = all(words.values())
        st.button(
            "Record adjudication",
            key="adjudicate",
            type="primary",
            disabled=not settled,
            on_click=_settle,
            args=(shown,),
        )
    tell()


def _settle(shown: OpenCase) -> None:
    now = shown.progress
    words = {
        name: st.session_state.get(_word_key(shown, name)) for name in adjudication.disputed(now)
    }
    if not all(words.values()):
        state.refuse(
            ReviewError(
                "The adjudication is incomplete.",
                remedy="say for each diagnosis whether it is present.",
            )
        )
        return
    present = adjudication.agreed(now) | {name for name, word in words.items() if word == "Present"}
    comment = str(st.session_state.get(_comment_key(shown)) or "")
    attempt(lambda: desk.adjudicate(shown, adjudication.signatures(now), present, comment))
    if state.refused() is None:
        drafts.sent(shown, drafts.ADJUDICATION, comment)


def _word_key(shown: OpenCase, name: str) -> str:
    return f"word-{shown.case.case_id}-{name}"


def _comment_key(shown: OpenCase) -> str:
    return f"adjudicate-comment-{shown.case.case_id}"


def side_by_side(readers: list[Reader]) -> Markup:
    """Each reading as a column: what it holds, and every decision behind it."""
    names = sorted({name for reader in readers for name in _named(reader)})
    rows = [
        tag(
            "tr",
            tag("th", phrasing.diagnosis(name), scope="row"),
            *(_cell(reader, name) for reader in readers),
        )
        for name in names
    ]
    head = ("Diagnosis", *(f"{reader.name}, signed {_when(reader)}" for reader in readers))
    return table(head, rows, "readings", "Signed readings side by side")


def kappa_table(found: kappa.ReaderKappa) -> Markup:
    """Kappa over all double-read cases, overall and per diagnosis."""
    if not found.cases:
        return tag("p", "No case has two signed readings yet.", class_="empty")
    rows = [_kappa("All diagnoses", found.overall)]
    rows += [_kappa(phrasing.diagnosis(name), one) for name, one in found.by_diagnosis.items()]
    head = ("Diagnosis", "Pairs", "Agree", "Kappa", "95% interval")
    return table(head, rows, "kappas", "Agreement between two readers")


def _word(shown: OpenCase, name: str, readers: list[Reader]) -> Word | None:
    holding = [reader.name for reader in readers if name in conclusion.concluded(reader)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.html(
            tag(
                "p",
                tag("b", phrasing.diagnosis(name)),
                f"diagnosed by {', '.join(holding)} only",
                class_="standing",
            ),
            width="content",
        )
        return st.segmented_control(
            f"Is {phrasing.diagnosis(name)} present",
            WORDS,
            key=_word_key(shown, name),
            label_visibility="collapsed",
        )


def _named(reader: Reader) -> set[str]:
    return set(reader.standing) | set(conclusion.concluded(reader))


def _cell(reader: Reader, name: str) -> Markup:
    decision = reader.standing.get(name)
    present = name in conclusion.concluded(reader)
    return tag(
        "td",
        chip("present" if present else "absent", "good" if present else ""),
        said(decision) if decision else "",
    )


def _when(reader: Reader) -> str:
    return phrasing.utc(reader.signature.recorded) if reader.signature else ""


def _kappa(label: str, found: Kappa) -> Markup:
    value = "–" if found.value is None else f"{found.value:.2f}"
    interval = "not defined: only one answer was given"
    if found.low is not None and found.high is not None:
        interval = f"{found.low:.2f} to {found.high:.2f}"
    elif found.value is not None:
        interval = "not available: too few answers differ"
    return tag(
        "tr",
        tag("th", label, scope="row"),
        tag("td", found.pairs, class_="number"),
        tag("td", phrasing.percent(found.observed), class_="number"),
        tag("td", value, class_="number"),
        tag("td", interval, class_="number"),
    )
