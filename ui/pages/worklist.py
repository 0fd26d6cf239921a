"""The worklist: every assessed case in one table; sort, filter, search, open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import streamlit as st

from ui import picklist, reading_order, state, wording
from ui.markup import Markup, bar, chip, joined, tag, unseen
from ui.pages import frame
from ui.reading_order import MARKS, STATUS_WORDS, Column, Row, View

if TYPE_CHECKING:
    from streamlit.navigation.page import Page

PAGE_SIZE = 100
HEADINGS: dict[Column, str] = {
    "case": "Case",
    "status": "Status",
    "suggestion": "Top suggestion",
    "probability": "Probability",
    "inputs": "Inputs",
    "marks": "Marks",
    "time": "Decision time",
}


def render(case_page: Page) -> None:
    """Show the worklist; opening a case goes to `case_page`."""
    rows = state.rows()
    unread = sum(row.status == "unread" for row in rows)
    frame.masthead("Worklist", f"{len(rows)} cases", f"{unread} unread")
    shown = reading_order.arrange(rows, _controls(rows))
    if state.requested():
        st.switch_page(case_page)
    _table(shown)
    known = " · ".join(f"{letter} {name}" for name, letter in wording.LETTERS.items())
    st.html(tag("p", f"Inputs: {known}; outlined where missing.", class_="quiet"))
    frame.audit_strip()


def _controls(rows: Sequence[Row]) -> View:
    before = state.view()
    search, status, marks, start = st.columns([2.2, 3.4, 1.6, 1.4], vertical_alignment="bottom")
    words = search.text_input(
        "Search", before.search, placeholder="Case or suggestion", key="search", live=True
    )
    statuses = status.segmented_control(
        "Status",
        list(STATUS_WORDS),
        selection_mode="multi",
        default=list(before.status),
        format_func=STATUS_WORDS.__getitem__,
        wrap=True,
        key="status",
    )
    mark = marks.selectbox("Marks", MARKS, MARKS.index(before.marks), key="marks")
    view = replace(before, search=words or "", status=tuple(statuses), marks=mark)
    if (view.search, view.status, view.marks) != (before.search, before.status, before.marks):
        view = replace(view, page=0)
    state.arrange(view)
    following = reading_order.next_unread(reading_order.arrange(rows, view))
    if start.button(
        "Next unread",
        key="next-unread",
        type="primary",
        shortcut="n",
        disabled=following is None,
        width="stretch",
    ):
        state.open_case(str(following))
    return view


def _table(shown: Sequence[Row]) -> None:
    if not shown:
        st.info("No case fits this search.")
        return
    view = state.view()
    pages = -(-len(shown) // PAGE_SIZE)
    page = min(view.page, pages - 1)
    first = page * PAGE_SIZE
    picklist.show_sortable(
        table(shown[first : first + PAGE_SIZE], view),
        key="worklist",
        on_pick=state.open_case,
        on_sort=_sort,
    )
    if pages > 1:
        _pager(page, pages, len(shown))


def _pager(page: int, pages: int, count: int) -> None:
    first = page * PAGE_SIZE + 1
    last = min(count, first + PAGE_SIZE - 1)
    text, back, forth = st.columns([0.76, 0.12, 0.12], vertical_alignment="center")
    text.html(tag("p", f"Cases {first} to {last} of {count}", class_="quiet"))
    back.button("Earlier", on_click=_turn, args=(page - 1,), disabled=page == 0)
    forth.button("Further", on_click=_turn, args=(page + 1,), disabled=page + 1 == pages)


def _turn(page: int) -> None:
    state.arrange(replace(state.view(), page=page))


def _sort(column: str) -> None:
    known: tuple[Column, ...] = get_args(Column)
    for name in known:
        if name == column:
            state.arrange(state.view().sorted_by(name))


def table(rows: Sequence[Row], view: View) -> Markup:
    """The worklist as markup; each row answers a click and Enter with its case."""
    head = tag("tr", *(_heading(column, words, view) for column, words in HEADINGS.items()))
    return tag(
        "table",
        tag("caption", "Worklist", class_="unseen"),
        tag("thead", head),
        tag("tbody", *(_row(row) for row in rows)),
        class_="worklist",
    )


def _heading(column: Column, words: str, view: View) -> Markup:
    sorting = column == view.sort
    direction = "descending" if view.descending else "ascending"
    arrow = ("▼" if view.descending else "▲") if sorting else ""
    control = tag("button", words, tag("i", arrow), type="button", data_sort=column)
    return tag("th", control, scope="col", aria_sort=direction if sorting else None, class_=column)


def _row(row: Row) -> Markup:
    entry = row.entry
    top = entry.top
    number = (
        joined([bar(top[1]), tag("span", wording.percent(top[1]), class_="number")]) if top else ""
    )
    return tag(
        "tr",
        tag("td", tag("b", entry.case_id), class_="case"),
        tag("td", chip(STATUS_WORDS.get(row.status, row.status), row.status)),
        tag("td", wording.named(top[0]) if top else "No suggestion shown"),
        tag("td", number, class_="probability"),
        tag("td", _inputs(entry.used, entry.missing)),
        tag("td", _marks(row)),
        tag("td", wording.moment(entry.decision_time), class_="time"),
        data_pick=entry.case_id,
        tabindex=0,
        class_=row.status,
    )


def _inputs(used: tuple[str, ...], missing: tuple[str, ...]) -> Markup:
    order = {name: place for place, name in enumerate(wording.LETTERS)}
    names = sorted((*used, *missing), key=lambda name: (order.get(name, len(order)), name))
    return joined(
        tag(
            "span",
            wording.modality_letter(name),
            unseen(f" {name} {'present' if name in used else 'missing'}; "),
            class_="input" if name in used else "input absent",
            title=f"{name}: {'present' if name in used else 'missing'}",
        )
        for name in names
    )


def _marks(row: Row) -> Markup:
    conflicts = row.entry.conflicts
    words = "Conflict" if conflicts == 1 else f"{conflicts} conflicts"
    return joined(
        [
            chip("Out of distribution", "warn") if row.entry.flagged else "",
            chip(words, "warn") if conflicts else "",
        ]
    )
